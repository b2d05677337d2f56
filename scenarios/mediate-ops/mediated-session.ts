/**
 * The life of the mediate ops, call by call: two providers register, a virtual function is opened and closed, they leave.
 *
 * Both would take the device, and the one that registered last is asked first. It tells user space of a BAR what vfio-pci
 * would not, answers for the migration region itself, and lets all other accesses through to the device. A second open asks
 * nobody. When that provider has gone, the next session has the other.
 *
 * As posted, each of the two leaves in good order because exactly one first open has found it.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { EFAULT, EINVAL } from '../../actors/vfio/errno.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { allClosedIsOff, mediateLeaks, theClosedIsOff } from '../laws/mediate.ts';
import { objects, start, type VirtualFunction, withI40e } from './setup/virtual-function.ts';

const first = local<number>('first');
const second = local<number>('second');
const bar0 = local<rfc.RegionInfo | number>('bar0');
const empty_bar = local<rfc.RegionInfo | number>('empty_bar');
const config = local<rfc.RegionInfo | number>('config');
const migration = local<rfc.RegionInfo | number>('migration');
const none = local<rfc.RegionInfo | number>('none');
const read = local<number>('read');
const state_written = local<number>('state_written');
const state_read = local<number>('state_read');
const size_read = local<number>('size_read');
const bar_mapped = local<number>('bar_mapped');
const bitmap_mapped = local<number>('bitmap_mapped');
const config_mapped = local<number>('config_mapped');
const i40e_unloaded = local<number>('i40e_unloaded');
const third = local<number>('third');
const unmediated_bar0 = local<rfc.RegionInfo | number>('unmediated_bar0');
const igd_unloaded = local<number>('igd_unloaded');

const { VFIO_PCI_BAR0_REGION_INDEX: BAR0, VFIO_PCI_CONFIG_REGION_INDEX: CONFIG, VFIO_PCI_NUM_REGIONS: MIGRATION } = rfc;
const RW = rfc.VFIO_REGION_INFO_FLAG_READ | rfc.VFIO_REGION_INFO_FLAG_WRITE;
const { VFIO_REGION_INFO_FLAG_MMAP: MMAP, VFIO_REGION_INFO_FLAG_CAPS: CAPS } = rfc;
const SAVING_AND_RUNNING = 3;

const script = (design: rfc.MediateDesign) => ({
  objects,
  start,
  threads: (o: VirtualFunction) => {
    const driver = withI40e(o, design);
    const { vdev } = o;
    return {
      script: [
        call(rfc.igd_dt_init, driver, o.igd_dt_ops),
        call(rfc.i40e_vf_migration_register, driver, o.i40e_ops),

        call(rfc.vfio_pci_open, driver, vdev).into(first),
        call(rfc.vfio_pci_get_region_info, driver, vdev, BAR0).into(bar0),
        call(rfc.vfio_pci_get_region_info, driver, vdev, BAR0 + 1).into(empty_bar),
        call(rfc.vfio_pci_get_region_info, driver, vdev, CONFIG).into(config),
        call(rfc.vfio_pci_get_region_info, driver, vdev, MIGRATION).into(migration),
        call(rfc.vfio_pci_get_region_info, driver, vdev, MIGRATION + 1).into(none),

        call(rfc.vfio_pci_rw, driver, vdev, { index: BAR0, write: 7 }),
        call(rfc.vfio_pci_rw, driver, vdev, { index: BAR0 }).into(read),
        call(rfc.vfio_pci_rw, driver, vdev, { index: MIGRATION, pos: 'device_state', write: SAVING_AND_RUNNING }).into(
          state_written,
        ),
        call(rfc.vfio_pci_rw, driver, vdev, { index: MIGRATION, pos: 'device_state' }).into(state_read),
        call(rfc.vfio_pci_rw, driver, vdev, { index: MIGRATION, pos: 'data_size', write: 64 }),
        call(rfc.vfio_pci_rw, driver, vdev, { index: MIGRATION, pos: 'data_size' }).into(size_read),

        call(rfc.vfio_pci_mmap, driver, vdev, BAR0).into(bar_mapped),
        call(rfc.vfio_pci_mmap, driver, vdev, MIGRATION).into(bitmap_mapped),
        call(rfc.vfio_pci_mmap, driver, vdev, CONFIG).into(config_mapped),

        call(rfc.vfio_pci_open, driver, vdev).into(second),
        call(rfc.vfio_pci_release, driver, vdev),
        call(rfc.vfio_pci_release, driver, vdev),

        call(rfc.i40e_unload, driver, o.i40e_ops).into(i40e_unloaded),
        call(rfc.vfio_pci_open, driver, vdev).into(third),
        call(rfc.vfio_pci_get_region_info, driver, vdev, BAR0).into(unmediated_bar0),
        call(rfc.vfio_pci_release, driver, vdev),
        call(rfc.igd_dt_unload, driver, o.igd_dt_ops).into(igd_unloaded),
      ],
    };
  },
});

type Seen = View<typeof objects>;
const says = (size: number, flags: number, ...caps: readonly string[]) => [size, flags, ...caps].join(' ');
const told = (of: typeof bar0, { result }: Seen) => {
  const info = result(of);
  return typeof info === 'object' ? says(info.size, info.flags, ...info.caps) : info;
};
const mediator = ({ vdev }: Seen) => vdev.mediate_ops.value.at;

const answers = {
  'each open succeeds': ({ result }: Seen) => [first, second, third].every((of) => result(of) === 0),
  'of the BAR, the provider does not say that it can be mapped': (view: Seen) => told(bar0, view) === says(0x1000, RW),
  'of the empty BAR, it is not asked': (view: Seen) => told(empty_bar, view) === says(0, 0),
  'of the configuration, it says nothing else': (view: Seen) => told(config, view) === says(256, RW),
  'of the migration region, it gives size, flags and a capability': (view: Seen) =>
    told(migration, view) === says(0x11000, RW | MMAP | CAPS, 'type', 'sparse mmap'),
  'there is no other region': ({ result }: Seen) => result(none) === -EINVAL,
  'the BAR is read and written through': ({ result }: Seen) => result(read) === 7,
  'the migration region is written, and its state cannot be read': ({ result }: Seen) =>
    result(state_written) === 0 && result(state_read) === -EFAULT && result(size_read) === 64,
  'the BAR is mapped through, the bitmap by the provider, the configuration by nobody': ({ result, pdev }: Seen) =>
    result(bar_mapped) === 0 && pdev.is_mapped.value && result(bitmap_mapped) === 0 && result(config_mapped) === -EINVAL,
  'both providers are unloaded': ({ result }: Seen) => result(i40e_unloaded) === 0 && result(igd_unloaded) === 0,
  'with the other provider the BAR can be mapped': (view: Seen) => told(unmediated_bar0, view) === says(0x1000, RW | MMAP),
};

/** While the script runs. */
const always = {
  'the one that came last mediates, and the other when it has gone': (view: Seen) => {
    const at = mediator(view);
    return at === 'NULL' || at === (view.result(i40e_unloaded) === undefined ? 'i40e_ops' : 'igd_dt_ops');
  },
  'the state that is written goes to the provider': ({ result, all }: Seen) =>
    result(state_written) === undefined ||
    all('i40e_vf_dev').some(({ device_state }) => device_state.value === SAVING_AND_RUNNING),
};
const sometimes = {
  'i40e mediates': (view: Seen) => mediator(view) === 'i40e_ops',
  'igd_dt mediates': (view: Seen) => mediator(view) === 'igd_dt_ops',
  'the device is mapped': ({ pdev }: Seen) => pdev.is_mapped.value,
};
const leaks = {
  ...mediateLeaks,
  i40e_vf_dev: ({ all }: Seen) => all('i40e_vf_dev').filter(({ freed }) => !freed).length,
  region: ({ all }: Seen) => all('region').filter(({ freed }) => !freed).length,
};

export default defineScenario({
  name: 'mediated-session',
  summary: 'Register, select on open, override region info, read, write and map, release, unregister',
  source: 'RFC 1/9 to 3/9, 5/9, 7/9 and 8/9 of December 2019',
  covers: [],
  tags: ['seed-000', 'nominal'],
  variants: {
    rfc: variant({
      ...script(rfc.posted()),
      always: { ...always, ...theClosedIsOff },
      sometimes,
      atEnd: { ...answers, ...allClosedIsOff },
      leaks,
      expect: [],
    }),
    held: variant({
      ...script(rfc.held()),
      summary: 'vfio-pci holds providers and entries.',
      always: { ...always, ...theClosedIsOff },
      sometimes,
      atEnd: { ...answers, ...allClosedIsOff },
      leaks,
      expect: [],
    }),
  },
});
