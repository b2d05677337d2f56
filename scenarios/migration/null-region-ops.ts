/**
 * A provider asks for a migration region, and vfio-pci makes one for it: of size 0, and without functions of its own.
 *
 * Up to then each region of a driver had some, and nobody asks. GET_REGION_INFO follows the pointer before the provider is
 * asked; a read or write follows it when the provider passes it through; and so does the last close, whatever the provider
 * does, with the lock of the device held. The next user waits for that for ever.
 *
 * RFC 2/9 asks first, in each of the three places. In the last it asks for the opposite of what it means, which makes no
 * difference where there are no functions at all. Default functions that do nothing need no question.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as in2019 from '../../machines/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { allClosedIsOff, theClosedIsOff } from '../laws/mediate.ts';
import type { HandlesOf } from '../mediate-ops/setup/one-device.ts';
import { objects as one, series, start, withI40e } from '../mediate-ops/setup/virtual-function.ts';

const fd = local<number>('fd');
const info = local<rfc.RegionInfo | number>('info');
const read = local<number>('read');
const next_fd = local<number>('next_fd');

const objects = { ...one, default_ops: in2019.vfio_pci_regops };
type Objects = HandlesOf<typeof objects>;
const MIGRATION = rfc.VFIO_PCI_NUM_REGIONS;

/** Of RFC 7/9 alone: it asks for the region, and does not answer for it. */
const passes: Partial<rfc.VfioPciMediateOps> = {
  *rw() {
    return rfc.passedThrough;
  },
};

type Does = 'asks' | 'reads' | 'closes';
const design = (
  does: readonly Does[],
  of: Partial<rfc.Series> | ((o: Objects) => Partial<rfc.Series>) = {},
  provider: Partial<rfc.VfioPciMediateOps> = {},
) => ({
  objects,
  start,
  threads: (o: Objects) => {
    const more = typeof of === 'function' ? of(o) : of;
    const driver = withI40e(o, rfc.posted(), series(o, { testsRegionOps: 'no', ...more }), provider);
    const calls = {
      asks: call(rfc.vfio_pci_get_region_info, driver, o.vdev, MIGRATION).into(info),
      reads: call(rfc.vfio_pci_rw, driver, o.vdev, { index: MIGRATION, pos: 'data_size' }).into(read),
      closes: call(rfc.vfio_pci_release, driver, o.vdev),
    };
    return {
      user: [
        call(rfc.i40e_vf_migration_register, driver, o.i40e_ops),
        call(rfc.vfio_pci_open, driver, o.vdev).into(fd),
        ...does.map((name) => calls[name]),
      ],
    };
  },
});
const all = ['asks', 'reads', 'closes'] as const;

type Seen = View<typeof objects>;
const clean = {
  always: theClosedIsOff,
  sometimes: { 'the region is there': ({ vdev }: Seen) => vdev.num_regions.value === 1 },
  leaks: {
    vdev: ({ vdev }: Seen) => vdev.refcnt.value,
    region: ({ all }: Seen) => all('region').filter(({ freed }) => !freed).length,
    i40e_vf_dev: ({ all }: Seen) => all('i40e_vf_dev').filter(({ freed }) => !freed).length,
  },
  expect: [],
} as const;
const answered = {
  'the provider answers for its region': ({ result }: Seen) => typeof result(info) === 'object' && result(read) === 0,
};
const FOLLOWED = { kind: 'null-deref', object: 'fns' } as const;

export default defineScenario({
  name: 'null-region-ops',
  summary: 'The migration region that vfio-pci makes for a provider has no functions, and nobody asks',
  source: 'RFC 3/9 vfio/pci: register a default migration region, and 2/9, of December 2019',
  covers: ['F-1'],
  tags: ['seed-003'],
  variants: {
    'asked-for-info': variant({
      ...design(['asks']),
      summary: 'RFC 3/9 without 2/9. GET_REGION_INFO wants more capabilities from the region before it asks the provider.',
      expect: [FOLLOWED],
    }),
    'passed-through': variant({
      ...design(['reads'], {}, passes),
      summary: 'RFC 3/9 without 2/9. A provider that does not answer for its region passes a read through.',
      expect: [FOLLOWED],
    }),
    closed: variant({
      ...design(['closes']),
      summary: 'RFC 3/9 without 2/9. Each last close releases the regions, and the lock of the device is lost with it.',
      threads: (o) => {
        const driver = withI40e(o, rfc.posted(), series(o, { testsRegionOps: 'no' }));
        const session = [call(rfc.vfio_pci_open, driver, o.vdev).into(fd), call(rfc.vfio_pci_release, driver, o.vdev).ifOk(fd)];
        return {
          user: [call(rfc.i40e_vf_migration_register, driver, o.i40e_ops), ...session],
          next: [call(rfc.vfio_pci_open, driver, o.vdev).into(next_fd), call(rfc.vfio_pci_release, driver, o.vdev).ifOk(next_fd)],
        };
      },
      expect: [FOLLOWED],
      leadsTo: [{ kind: 'deadlock', object: 'reflck.lock' }],
    }),
    'rfc-2-of-9': variant({
      ...design(all, { testsRegionOps: 'as posted' }),
      summary: 'RFC 2/9 asks whether the region has functions.',
      ...clean,
      atEnd: { ...answered, ...allClosedIsOff },
    }),
    'rfc-2-of-9-passed-through': variant({
      ...design(all, { testsRegionOps: 'as posted' }, passes),
      summary: 'RFC 2/9, and a provider that does not answer for its region: a read is refused.',
      ...clean,
      atEnd: { 'the read is refused': ({ result }) => result(read) === -EINVAL, ...allClosedIsOff },
    }),
    'default-functions': variant({
      ...design(all, ({ region, default_ops }) => ({ migrationRegion: { region, ops: default_ops } })),
      summary: 'The region has functions, which do nothing. Nobody has to ask.',
      ...clean,
      atEnd: { ...answered, ...allClosedIsOff },
    }),
  },
});
