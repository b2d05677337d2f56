/**
 * The migration region is added in the open of a device. Does each open add another? It does not.
 *
 * It is added by the first open alone, under the lock of the device, and the last close frees what there is and starts from
 * 0. Whoever opens the device beside others finds one region, and so does whoever opens it anew.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { allClosedIsOff, theClosedIsOff } from '../laws/mediate.ts';
import { objects, start, type VirtualFunction, withI40e } from '../mediate-ops/setup/virtual-function.ts';

const first = local<number>('first');
const second = local<number>('second');
const other = local<number>('other');

const design = (of: rfc.MediateDesign) => ({
  objects,
  start,
  threads: (o: VirtualFunction) => {
    const driver = withI40e(o, of);
    const session = (fd: typeof first) => [
      call(rfc.vfio_pci_open, driver, o.vdev).into(fd),
      call(rfc.vfio_pci_release, driver, o.vdev).ifOk(fd),
    ];
    return {
      user: [call(rfc.i40e_vf_migration_register, driver, o.i40e_ops), ...session(first), ...session(second)],
      other: session(other),
    };
  },
});

type Seen = View<typeof objects>;
const holds = {
  always: {
    'there is one region at most': ({ vdev }: Seen) => vdev.num_regions.value <= 1,
    'it is there while the device is mediated, and nobody changes that': ({ vdev, reflck }: Seen) =>
      reflck.lock.owner !== null || vdev.num_regions.value === Number(vdev.chart.state === 'mediated'),
    ...theClosedIsOff,
  },
  sometimes: {
    'two have it open': ({ vdev }: Seen) => vdev.refcnt.value === 2 && vdev.num_regions.value === 1,
    'it is mediated again, for another user': ({ vdev, result }: Seen) =>
      result(second) === 0 && vdev.refcnt.value === 1 && vdev.num_regions.value === 1,
    'it is not mediated: the provider came late': ({ vdev }: Seen) => vdev.refcnt.value > 0 && vdev.chart.state === 'open',
  },
  atEnd: allClosedIsOff,
  leaks: {
    region: ({ all }: Seen) => all('region').filter(({ freed }) => !freed).length,
    'vdev.num_regions': ({ vdev }: Seen) => vdev.num_regions.value,
    i40e_vf_dev: ({ all }: Seen) => all('i40e_vf_dev').filter(({ freed }) => !freed).length,
  },
  expect: [],
} as const;

export default defineScenario({
  name: 'regions-per-open',
  summary: 'Opened again and again, and by several, a device has one migration region',
  source: 'RFC 3/9 of December 2019; vfio_pci_disable() of v5.4',
  covers: ['F-4'],
  tags: ['seed-003', 'nominal'],
  variants: {
    rfc: variant({ ...design(rfc.posted()), ...holds }),
    held: variant({ ...design(rfc.held()), summary: 'vfio-pci holds providers and entries.', ...holds }),
  },
});
