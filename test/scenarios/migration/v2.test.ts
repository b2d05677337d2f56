/** Migration v2: the scenarios, and every pair of states against the arcs, by hand. */
import test from 'ava';
import {
  PRE_COPY,
  RUNNING,
  STOP_COPY,
  VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY,
  vfio_mig_get_next_state,
} from '../../../actors/vfio/v6.12/vfio_main.ts';
import { ARCS, MIG_STATES } from '../../../machines/vfio/v6.12/migration.ts';
import migrateV2 from '../../../scenarios/migration/migrate-v2.ts';
import setStateTwice from '../../../scenarios/migration/set-state-twice.ts';
import { findingOf, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['source', 'destination', 'closed-meanwhile', 'any-two-states'])
  test(`migrate-v2/${variant} is clean`, async (t) => {
    await isClean(t, migrateV2, variant);
  });
for (const variant of [
  'v6.12-two-targets',
  'v6.12-one-target',
  'v6.12-reset',
  'v6.12-reset-while-writing',
  'v6.12-no-descriptor',
])
  test(`set-state-twice/${variant} is clean`, async (t) => {
    await isClean(t, setStateTwice, variant);
  });

test('without the state mutex two callers take one arc, and open a file each', async (t) => {
  const undone = await withoutLine(setStateTwice, 'v6.12-one-target', { event: 'mutex_lock', in: 'mlx5vf_pci_set_device_state' });
  shows(t, findingOf(undone, 'invariant', 'migf', 'no two files'), ['a: kzalloc(migf)', 'b: kzalloc(migf)'].map(allocated));
});

const allocated = (line: string) => `${line} = {"at":"migf@${line[0]}"}`;

test('where the mutex is let go outside of the spinlock, the word of a reset stays behind', async (t) => {
  const undone = await withoutLine(setStateTwice, 'v6.12-reset', { event: 'spin_lock', in: 'mlx5vf_state_mutex_unlock' });
  shows(t, findingOf(undone, 'end-state', 'mvdev.deferred_reset'), [
    'a: mvdev->deferred_reset = false',
    'reset: mvdev->deferred_reset = true',
    'reset: mutex_trylock(&mvdev->state_mutex) = false',
    'a: mutex_unlock(&mvdev->state_mutex)',
  ]);
});

test('where a write does not hold the state mutex, it makes up for a reset beside the reset itself', async (t) => {
  const undone = await withoutLine(setStateTwice, 'v6.12-reset-while-writing', {
    event: 'mutex_lock',
    in: 'mlx5vf_resume_write',
    c: 'state_mutex',
  });
  findingOf(undone, 'never-reached', 'the reset leaves its work to who writes');
  shows(t, findingOf(undone, 'invariant', 'mvdev.state_mutex'), [
    'reset: mutex_trylock(&mvdev->state_mutex) = true',
    'user: mvdev->deferred_reset = false',
    'user: mvdev->mig_state = VFIO_DEVICE_STATE_RUNNING',
    'reset: mvdev->deferred_reset = false',
    'reset: mutex_unlock(&mvdev->state_mutex)',
  ]);
});

/** The next hop of every pair, as the UAPI header of v6.12 has it; `-` where it is there, `x` where no way leads. */
const next = `
  from \\ to     STOP         RUNNING      PRE_COPY     PRE_COPY_P2P  STOP_COPY     RESUMING     RUNNING_P2P
  STOP          -            RUNNING_P2P  RUNNING_P2P  RUNNING_P2P   STOP_COPY     RESUMING     RUNNING_P2P
  RUNNING       RUNNING_P2P  -            PRE_COPY     RUNNING_P2P   RUNNING_P2P   RUNNING_P2P  RUNNING_P2P
  PRE_COPY      RUNNING      RUNNING      -            PRE_COPY_P2P  PRE_COPY_P2P  RUNNING      RUNNING
  PRE_COPY_P2P  RUNNING_P2P  RUNNING_P2P  PRE_COPY     -             STOP_COPY     RUNNING_P2P  RUNNING_P2P
  STOP_COPY     STOP         STOP         x            x             -             STOP         STOP
  RESUMING      STOP         STOP         STOP         STOP          STOP          -            STOP
  RUNNING_P2P   STOP         RUNNING      RUNNING      PRE_COPY_P2P  STOP          STOP         -
`;
const [head = [], ...rows] = next
  .trim()
  .split('\n')
  .map((line) => line.trim().replace('from \\ to', 'from').split(/ +/));

const ALL = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY;
const numberOf = (name: string) => (MIG_STATES as readonly string[]).indexOf(name);
/** It takes no step but to warn. */
function hop(flags: number, from: number, to: number): { readonly next: string; readonly warns: boolean } {
  const walk = vfio_mig_get_next_state(flags, from, to);
  const turn = walk.next();
  const last = turn.done ? turn : walk.next(null);
  const value = last.value as number;
  return { next: value < 0 ? 'x' : (MIG_STATES[value] ?? '?'), warns: turn.done !== true };
}

test('every pair of states has the next hop of the table', (t) => {
  const seen = rows.map(([from = '', ...cells]) => [
    from,
    ...cells.map((_, i) => {
      const to = head[i + 1] ?? '';
      return from === to ? '-' : hop(ALL, numberOf(from), numberOf(to)).next;
    }),
  ]);
  t.deepEqual(seen, rows);
  t.is(rows.flat().length, 7 * 8);
});

const isArc = (from: string, to: string) => ARCS.some(([a, b]) => a === from && b === to);
const supported = (flags: number) => MIG_STATES.filter((name) => hop(flags, numberOf(name), numberOf(name)).next !== 'x');

for (const [what, flags, states, blocked] of [
  ['no more than stop-and-copy', VFIO_MIGRATION_STOP_COPY, 4, 0],
  ['P2P', VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P, 5, 0],
  ['pre-copy', VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_PRE_COPY, 5, 1],
  ['both', ALL, 7, 2],
] as const)
  test(`with ${what} each of ${states} states leads to each other along arcs, but for ${blocked} ways`, (t) => {
    const names = supported(flags);
    t.is(names.length, states);
    let noWay = 0;
    for (const from of names)
      for (const to of names) {
        let [at, hops]: [string, number] = [from, 0];
        while (at !== to && at !== 'x' && hops < 9) {
          const to_ = hop(flags, numberOf(at), numberOf(to));
          t.false(to_.warns);
          if (to_.next !== 'x') {
            t.true(isArc(at, to_.next), `${at} to ${to_.next} is no arc`);
            t.true(names.includes(to_.next as never));
          }
          at = to_.next;
          hops += 1;
        }
        if (at === 'x') noWay += 1;
        else t.is(at, to);
      }
    t.is(noWay, blocked);
  });

test('nothing leads out of ERROR, which is warned of, nor to it', (t) => {
  for (const [to] of MIG_STATES.entries()) t.deepEqual(hop(ALL, 0, to), { next: 'x', warns: true });
  for (const [from] of MIG_STATES.slice(1).entries()) t.deepEqual(hop(ALL, from + 1, 0), { next: 'x', warns: false });
});

test('what a device does not support is asked for in vain, and who claims to be there is warned of', (t) => {
  t.deepEqual(hop(VFIO_MIGRATION_STOP_COPY, RUNNING, PRE_COPY), { next: 'x', warns: false });
  t.deepEqual(hop(VFIO_MIGRATION_STOP_COPY, PRE_COPY, RUNNING), { next: 'x', warns: true });
  t.deepEqual(hop(VFIO_MIGRATION_STOP_COPY, RUNNING, STOP_COPY), { next: 'STOP', warns: false });
});
