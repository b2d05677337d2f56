/** The migration region of the RFC, and the states as they were merged. */
import test from 'ava';
import { isArc } from '../../../actors/vfio/v5.8/migration_region.ts';
import { STATES } from '../../../machines/vfio/v5.8/migration.ts';
import copiedPfns from '../../../scenarios/migration/copied-pfns.ts';
import invalidStates from '../../../scenarios/migration/invalid-states.ts';
import lostStateUpdate from '../../../scenarios/migration/lost-state-update.ts';
import saveAndResume from '../../../scenarios/migration/save-and-resume.ts';
import stagingWindow from '../../../scenarios/migration/staging-window.ts';
import stopAndMappedBar from '../../../scenarios/migration/stop-and-mapped-bar.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const [scenario, variants] of [
  [saveAndResume, ['rfc', 'out-of-order', 'out-of-order-while-saving', 'out-of-order-while-resuming']],
  [copiedPfns, ['rfc-answers', 'tested-none', 'tested-all', 'tested-all-later']],
  [invalidStates, ['rfc-stopped', 'v5.8', 'v5.8-any-two-writes']],
  [lostStateUpdate, ['one-mutex', 'v2']],
  [stagingWindow, ['one-mutex', 'v2']],
  [stopAndMappedBar, ['mappings-revoked', 'vcpus-stopped-first']],
] as const)
  for (const variant of variants)
    test(`${scenario.name}/${variant} is clean`, async (t) => {
      await isClean(t, scenario, variant);
    });

test('who writes back what it had read lets a device run that was stopped', async (t) => {
  const rfc = await isAsExpected(t, lostStateUpdate, 'rfc');
  const runs = findingOf(rfc, 'invariant', 'region.device_state');
  shows(t, runs, [
    'migration: region.device_state = 1',
    'vm_stop: region.device_state = 0',
    'migration: region.device_state = 3',
  ]);
  const lost = findingOf(rfc, 'end-state', 'region.device_state');
  shows(t, lost, ['vm_stop: region.device_state = 1', 'migration: region.device_state = 3', 'vm_stop: region.device_state = 0']);
});

test('without the mutex of the user the update is lost again', async (t) => {
  const undone = await withoutLine(lostStateUpdate, 'one-mutex', { event: 'mutex_lock', in: 'one_at_a_time' });
  shows(t, findingOf(undone, 'invariant', 'region.device_state'), ['migration: region.device_state = 3']);
});

test('the test of the RFC lets 101 and 111 pass', async (t) => {
  const rfc = await isAsExpected(t, invalidStates, 'rfc');
  const both = findingOf(rfc, 'invariant', 'region.device_state', 'save and resume');
  t.is(linesOf(both).at(-1), 'restore: region.device_state = 7');
  const runs = findingOf(rfc, 'invariant', 'region.device_state', 'while it resumes');
  t.is(linesOf(runs).at(-1), 'restore: region.device_state = 5');
});

test('VFIO_DEVICE_STATE_VALID() lets a write pass that comes late, and leads along no arc', async (t) => {
  const alone = await isAsExpected(t, invalidStates, 'v5.8-valid-alone');
  const noArc = findingOf(alone, 'invariant', 'region.device_state', 'along no arc');
  shows(t, noArc, ['migration: region.device_state = 1', 'restore: region.device_state = 1']);
});

test('without the lock of the region the arcs do not help: what was looked at is not what is there', async (t) => {
  const undone = await withoutLine(invalidStates, 'v5.8', { event: 'mutex_lock', in: 'locked' });
  t.truthy(findingOf(undone, 'invariant', 'region.device_state', 'along no arc'));
});

test('a second read of data_offset puts the next chunk over the one that is still to be read', async (t) => {
  const lost = findingOf(await isAsExpected(t, stagingWindow, 'rfc'), 'end-state', 'region.chunk');
  const staged = linesOf(lost).filter((line) => line.includes('data_section'));
  t.deepEqual(
    staged.map((line) => line.replace(/^\w+: /, '')),
    [
      'region.data_section = {"chunk":1}',
      'region.data_section = {"chunk":2}',
      'region.data_section = {"chunk":2}',
      'region.data_section = {"chunk":2}',
    ],
  );
});

test('without the mutex of the user a chunk is lost again', async (t) => {
  const undone = await withoutLine(stagingWindow, 'one-mutex', { event: 'mutex_lock', in: 'one_at_a_time' });
  t.truthy(findingOf(undone, 'end-state', 'region.chunk'));
});

test('NONE is added for ever, ALL ends the loop at once or leads round in a circle', async (t) => {
  const none = findingOf(await isAsExpected(t, copiedPfns, 'added-none'), 'starvation', 'region.lock');
  t.is(
    none.trace?.steps.every(({ thread }) => thread === 'user'),
    true,
  );
  const all = findingOf(await isAsExpected(t, copiedPfns, 'added-all'), 'end-state', 'region.dirty');
  t.is(all.trace?.steps.filter(({ c }) => c === 'region.start_pfn = 0').length, 1);
  await isAsExpected(t, copiedPfns, 'added-all-later');
});

test('a mapping leads to a device that has been stopped', async (t) => {
  const rfc = findingOf(await isAsExpected(t, stopAndMappedBar, 'rfc'), 'invariant', 'vdev.bar');
  shows(t, rfc, ['migration: stop the device', 'vcpu: *(u32 *)vdev.bar = 1 = true']);
});

test('without the revocation of mappings it does so again', async (t) => {
  const undone = await withoutLine(stopAndMappedBar, 'mappings-revoked', { event: 'unmap_mapping_range', in: 'write_stop' });
  t.truthy(findingOf(undone, 'invariant', 'vdev.bar'));
});

/** Of the header of v5.8, by hand: from which state which may be written. To write the same is no change. */
const arcs = `
  from \\ to      stop  running  stop_and_copy  pre_copy  resuming  101  110  111
  stop           y     -        -              -         -         -    -    -
  running        y     y        y              y         y         -    -    -
  stop_and_copy  y     -        y              -         -         -    -    -
  pre_copy       -     -        y              y         -         -    -    -
  resuming       -     y        -              -         y         -    -    -
`;

test('every pair of states of v1 is an arc or is refused', (t) => {
  const lines = arcs
    .trim()
    .split('\n')
    .map((line) => line.trim().replace('from \\ to', 'from').split(/ +/));
  const [, ...rows] = lines;
  const seen = rows.map((_, from) => [
    STATES[from] ?? '',
    ...Array.from({ length: 8 }, (_, to) => (isArc(from, to) ? 'y' : '-')),
  ]);
  t.deepEqual(seen, rows);
});
