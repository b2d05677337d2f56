/**
 * The RFC calls SAVING and RESUMING at the same time invalid, and gives a mask of the two. Whoever tests the state for
 * being equal to that mask refuses 110 and misses 111; and 101, a device that resumes and runs, is not forbidden at all.
 *
 * To get there it takes no more than two threads that each set a bit of their own: one begins to save, the other to resume.
 * In the merged header a device that resumes does nothing else, and each state says which may follow it. It takes both: a
 * thread that is late with what it has read asks for a state that is valid, and only the arcs say that there is no way to
 * it. v2 has no bits any more, but a number for each state.
 */
import { vfio_migration_set_state } from '../../actors/vfio/rfc-2019-12/qemu_migration.ts';
import { read_device_state, type Rule, write_device_state } from '../../actors/vfio/rfc-2019-12/migration_region.ts';
import { isArc, isValid } from '../../actors/vfio/v5.8/migration_region.ts';
import { choose, type Operation } from '../../actors/step.ts';
import { EINVAL } from '../../actors/vfio/errno.ts';
import {
  type MigrationRegion,
  migration_region,
  VFIO_DEVICE_STATE_RESUMING,
  VFIO_DEVICE_STATE_RUNNING,
  VFIO_DEVICE_STATE_SAVING,
} from '../../machines/vfio/rfc-2019-12/migration.ts';
import { migration_region as merged_region } from '../../machines/vfio/v5.8/migration.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';

const saves = local<number>('saves');
const resumes = local<number>('resumes');

const threads =
  (rule?: Rule, resume: { clear?: number; set: number } = { set: VFIO_DEVICE_STATE_RESUMING }) =>
  ({ region }: { region: MigrationRegion }) => ({
    migration: [call(vfio_migration_set_state, region, { set: VFIO_DEVICE_STATE_SAVING }, rule).into(saves)],
    restore: [call(vfio_migration_set_state, region, resume, rule).into(resumes)],
  });
/** As the merged header would have it: a device that resumes does not run. */
const RESUMES_ALONE = { clear: VFIO_DEVICE_STATE_RUNNING, set: VFIO_DEVICE_STATE_RESUMING };

interface Seen {
  readonly region: { readonly device_state: { readonly value: number } };
}
const has = ({ region }: Seen, bits: number): boolean => (region.device_state.value & bits) === bits;
const meaning = {
  'it does not save and resume at the same time': (view: Seen) =>
    !has(view, VFIO_DEVICE_STATE_SAVING | VFIO_DEVICE_STATE_RESUMING),
  'it does not run while it resumes': (view: Seen) => !has(view, VFIO_DEVICE_STATE_RUNNING | VFIO_DEVICE_STATE_RESUMING),
};

const written = local<readonly number[]>('written');

/** One write after another of whatever value: what it was, and what was answered. */
function* write_any_two(region: MigrationRegion, rule: Rule): Operation<readonly number[]> {
  const results: number[] = [];
  for (const when of ['first', 'then']) {
    const value = Number(yield* choose(`${when} writes`, '0', '1', '2', '3', '4', '5', '6', '7'));
    results.push(value, yield* write_device_state(region, value, rule), yield* read_device_state(region));
  }
  return results;
}
const wrote = (...results: readonly number[]) => JSON.stringify(results);

export default defineScenario({
  name: 'invalid-states',
  summary: 'Two sound requests make a state that means nothing, and the test for invalid ones lets it pass',
  source: 'RFC 03/09 vfio/pci: register a default migration region, December 2019',
  covers: ['F-7'],
  tags: ['seed-003'],
  variants: {
    rfc: variant({
      objects: { region: migration_region },
      threads: threads(),
      always: meaning,
      expect: [{ kind: 'invariant', object: 'region.device_state' }],
    }),
    'rfc-stopped': variant({
      summary: 'Of a device that stands still 110 is asked for, which is the one that is refused.',
      objects: { region: migration_region },
      start: { 'region.device_state': { value: 0 } },
      threads: threads(),
      always: meaning,
      sometimes: {
        'it would save and resume, and is refused': ({ result }) => result(saves) === -EINVAL || result(resumes) === -EINVAL,
      },
      expect: [],
    }),
    'v5.8-valid-alone': variant({
      summary: 'VFIO_DEVICE_STATE_VALID(), and nobody looks at the arcs: who has read before the other wrote undoes it.',
      objects: { region: merged_region },
      threads: threads(isValid, RESUMES_ALONE),
      always: meaning,
      expect: [{ kind: 'invariant', object: 'region.device_state' }],
    }),
    'v5.8': variant({
      summary: 'A device that resumes does nothing else, and states follow each other along arcs.',
      objects: { region: merged_region },
      threads: threads(isArc, RESUMES_ALONE),
      always: meaning,
      sometimes: {
        'both have read that it runs': ({ region, next, result }) =>
          region.device_state.value === VFIO_DEVICE_STATE_RUNNING &&
          next('migration') === 'store' &&
          result(resumes) === undefined,
        'it saves, and does not resume': ({ result }) => result(saves) === 0 && result(resumes) === -EINVAL,
        'it resumes, and does not save': ({ result }) => result(saves) === -EINVAL && result(resumes) === 0,
      },
      atEnd: { 'one of the two is refused': ({ result }) => (result(saves) === 0) !== (result(resumes) === 0) },
      expect: [],
    }),
    'v5.8-any-two-writes': variant({
      summary: 'Whatever is written, and whatever next: an arc is gone along, all else is refused and changes nothing.',
      objects: { region: merged_region },
      threads: ({ region }) => ({ user: [call(write_any_two, region, isArc).into(written)] }),
      always: meaning,
      sometimes: {
        'saving, live': ({ result }) => JSON.stringify(result(written)) === wrote(3, 0, 3, 2, 0, 2),
        resuming: ({ result }) => JSON.stringify(result(written)) === wrote(4, 0, 4, 1, 0, 1),
        'each invalid state is refused': ({ result }) => JSON.stringify(result(written)) === wrote(6, -EINVAL, 1, 7, -EINVAL, 1),
        'and resuming while it runs': ({ result }) => JSON.stringify(result(written)) === wrote(4, 0, 4, 5, -EINVAL, 4),
      },
      expect: [],
    }),
  },
});
