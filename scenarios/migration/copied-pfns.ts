/**
 * The register that tells for how many pages a bitmap has been written may also say NONE, which is 0, or ALL, which is ~0.
 *
 * A user goes on until he has had as many pages as he asked for. The RFC says that either of the two ends that, and the
 * patches for QEMU of that year look for both. Who does not, and adds what the register says as it is, gets nowhere where
 * nothing is dirty, for 0 is added for ever. Where the rest is dirty he adds ~0, which in 64 bits is to take one away: at the
 * very beginning that ends the loop, with no page of all that are dirty; later it leads back to pages that he has had.
 */
import {
  read_copied_pfns,
  read_data_offset,
  write_start_pfn,
  write_total_pfns,
} from '../../actors/vfio/rfc-2019-12/migration_region.ts';
import { sum_copied_pfns, vfio_get_dirty_page_list } from '../../actors/vfio/rfc-2019-12/qemu_migration.ts';
import {
  migration_region,
  VFIO_DEVICE_DIRTY_PFNS_ALL,
  VFIO_DEVICE_DIRTY_PFNS_NONE,
} from '../../machines/vfio/rfc-2019-12/migration.ts';
import { call, defineScenario, type Expectation, local, variant } from '../../src/index.ts';

const objects = { region: migration_region };
const found = local<readonly number[]>('dirty pages');
const same = (a: readonly number[] | undefined, b: readonly number[]): boolean => JSON.stringify(a) === JSON.stringify(b);
const saving = (dirty: readonly number[]) => ({
  'region.device_state': { value: 3 },
  'region.dirty': { value: [...dirty] },
});

/** Of four pages; a bitmap covers two. */
const asks = (list: typeof sum_copied_pfns, dirty: readonly number[], expect: readonly Expectation[], summary: string) =>
  variant({
    summary,
    objects,
    start: saving(dirty),
    threads: ({ region }) => ({ user: [call(list, region, 0, 4).into(found)] }),
    atEnd: { 'each dirty page is found': ({ result, region }) => same(result(found), region.dirty.value) },
    expect,
  });

const endless = [{ kind: 'starvation' as const, object: 'region.lock' }];
const lost = [{ kind: 'end-state' as const, object: 'region.dirty' }];

const [partial, none, all] = [local<number>('partial'), local<number>('none'), local<number>('all')];

export default defineScenario({
  name: 'copied-pfns',
  summary: 'The count of pages whose bitmap was copied may also mean NONE or ALL, and is added all the same',
  source: 'RFC 03/09 vfio/pci: register a default migration region, December 2019',
  covers: ['F-11'],
  tags: ['seed-003'],
  variants: {
    'rfc-answers': variant({
      summary: 'What the register says of three ranges: a count with its bitmap, NONE, ALL.',
      objects,
      start: saving([0, 2, 3]),
      threads: ({ region }) => ({
        user: [
          call(write_start_pfn, region, 0),
          call(write_total_pfns, region, 2),
          call(read_copied_pfns, region).into(partial),
          call(read_data_offset, region),
          call(write_start_pfn, region, 1),
          call(write_total_pfns, region, 1),
          call(read_copied_pfns, region).into(none),
          call(write_start_pfn, region, 2),
          call(write_total_pfns, region, 2),
          call(read_copied_pfns, region).into(all),
        ],
      }),
      atEnd: {
        'a bitmap of two pages': ({ result }) => result(partial) === 2,
        'no page is dirty': ({ result }) => result(none) === VFIO_DEVICE_DIRTY_PFNS_NONE,
        'all pages are dirty': ({ result }) => result(all) === VFIO_DEVICE_DIRTY_PFNS_ALL,
      },
      expect: [],
    }),
    'added-none': asks(sum_copied_pfns, [0], endless, 'The second half is clean: 0 is added for ever.'),
    'added-all': asks(sum_copied_pfns, [0, 1, 2, 3], lost, 'All pages are dirty: ~0 is enough, and none of them is found.'),
    'added-all-later': asks(
      sum_copied_pfns,
      [0, 2, 3],
      endless,
      'The second half is dirty: ~0 leads back, and round in a circle.',
    ),
    'tested-none': asks(vfio_get_dirty_page_list, [0], [], 'NONE and ALL are looked for before anything is added.'),
    'tested-all': asks(vfio_get_dirty_page_list, [0, 1, 2, 3], [], 'The same.'),
    'tested-all-later': asks(vfio_get_dirty_page_list, [0, 2, 3], [], 'The same.'),
  },
});
