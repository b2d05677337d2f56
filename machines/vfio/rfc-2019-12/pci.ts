/**
 * The structs of vfio-pci at v5.4 with the mediate ops of December 2019 (drivers/vfio/pci/vfio_pci.c, vfio_pci_private.h,
 * include/linux/vfio.h), of the PCI device beneath it, and of a module that provides mediate ops.
 *
 * A part starts as probe leaves it: the device is bound, closed and in D3hot.
 *
 * Left out: interrupts, ioeventfds, saved configuration, the sizes of BARs, the kref of a reflck, which lives as long as
 * its devices. Of device specific regions there is room for one: neither IGD nor NVLink has any here.
 */
import { globals, type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { completion } from '../../sync/completion.ts';
import { field, pointer, pointers } from '../../sync/field.ts';
import { file_ref } from '../../sync/file.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import { chart } from '../charts.ts';

/* ---- the PCI core ---- */

export const pci_dev = struct('pci_dev', {
  enable_cnt: atomic(),
  current_state: field<'D0' | 'D3hot'>('D3hot'),
  is_busmaster: field<boolean>(false),
  /** A register of its first BAR, for all that the device does and knows. */
  bar0: field<number>(0),
  /** User space has the BAR in its address space. */
  is_mapped: field<boolean>(false),
  /** Of a virtual function: the physical one. */
  physfn: pointer<{ readonly path: string }>(),
  /** Of a physical function: what its driver has allocated for it. */
  driver_data: pointer<{ readonly path: string }>(),
});
export interface PciDev extends HandleTo<typeof pci_dev> {}

/* ---- providers of mediate ops ---- */

/** What open allocates for each device: struct i40e_vf_migration, struct igd_dt_device. */
export const mediated_dev = struct('mediated_dev', {
  handle: field<number>(0),
  /** Of the migration region, once user space has asked for it. */
  migration_region_index: field<number>(-1),
  /** struct vfio_device_migration_info, as far as anything is done with it. */
  device_state: field<number>(0),
  data_size: field<number>(0),
  dirty_bitmap_is_mapped: field<boolean>(false),
});
export interface MediatedDev extends HandleTo<typeof mediated_dev> {}

/**
 * A module that provides mediate ops, and what lies in its memory: the ops themselves, to which vfio-pci points, and the
 * table of the devices that are open. Whatever vfio-pci reads or runs of it is gone when the module is.
 */
export const mediate_provider = globals('mediate_provider', {
  module: module(),
  device_bit_lock: mutex(),
  /** The handles that are in use. */
  device_bits: field<readonly number[]>([]),
  /** By handle; NULL where there is none. */
  device_array: pointers<MediatedDev>(),
});
export interface MediateProvider extends HandleTo<typeof mediate_provider> {}

/* ---- vfio-pci ---- */

/** The file-scope variables of vfio_pci.c, and the module. */
export const vfio_pci = globals('vfio_pci', {
  module: module(),
  mediate_ops_list: list_head(),
  mediate_ops_list_lock: mutex(),
});
export interface VfioPci extends HandleTo<typeof vfio_pci> {}

export const vfio_pci_mediate_ops_list_entry = struct('vfio_pci_mediate_ops_list_entry', {
  ops: pointer<MediateProvider>(),
  refcnt: field<number>(0),
  next: list_node(),
  /** Not in the RFC: it is being unregistered, and those who use it have gone. */
  dying: field<boolean>(false),
  released: completion(),
});
export interface MediateEntry extends HandleTo<typeof vfio_pci_mediate_ops_list_entry> {}

/** Of all devices that a reset of the slot or bus resets. */
export const vfio_pci_reflck = struct('vfio_pci_reflck', { lock: mutex() });
export interface VfioPciReflck extends HandleTo<typeof vfio_pci_reflck> {}

/** struct vfio_pci_regops: which of its functions are there. */
export type Regops = { readonly rw: boolean; readonly release: boolean; readonly add_capability: boolean };
export const vfio_pci_regops = globals('vfio_pci_regops', {
  fns: field<Regops>({ rw: true, release: true, add_capability: true }),
});
export interface VfioPciRegops extends HandleTo<typeof vfio_pci_regops> {}

/** One of `vdev->region[]`, which is allocated with it. */
export const vfio_pci_region = struct('vfio_pci_region', {
  type: field<number>(0),
  subtype: field<number>(0),
  ops: pointer<VfioPciRegops>(),
  size: field<number>(0),
  flags: field<number>(0),
});
export interface VfioPciRegion extends HandleTo<typeof vfio_pci_region> {}

type DeviceState = 'closed' | 'open' | 'mediated' | 'releasing' | 'stale';
export type DeviceEvent = 'enabled' | 'mediated' | 'disabled' | 'released';
/**
 * Who answers for the device: nobody while it is closed, vfio-pci alone while it is open, a provider while it is mediated.
 * `releasing`: it is disabled and the provider has not been told. `stale`: it is open and still has the provider and the
 * handle of a user who is gone.
 */
const deviceChart = chart<DeviceState, DeviceEvent>('vfio_pci_device', 'closed', {
  closed: { enabled: 'open' },
  open: { mediated: 'mediated', disabled: 'closed' },
  mediated: { disabled: 'releasing', released: 'open' },
  releasing: { released: 'closed', enabled: 'stale' },
  stale: { mediated: 'mediated', disabled: 'releasing', released: 'open' },
});

export const vfio_pci_device = struct('vfio_pci_device', {
  pdev: pointer<PciDev>(),
  reflck: pointer<VfioPciReflck>(),
  /** Of those who have it open. */
  refcnt: field<number>(0),
  mediate_ops: pointer<MediateProvider>(),
  mediate_handle: field<number>(0),
  /** Not in the RFC: the entry to which it holds a reference. */
  mediate_entry: pointer<MediateEntry>(),
  num_regions: field<number>(0),
  region: pointer<VfioPciRegion>(),
  chart: deviceChart(),
});
export interface VfioPciDevice extends HandleTo<typeof vfio_pci_device> {}

/* ---- user space ---- */

/** struct file of a device, and the descriptor that leads to it. */
export const file = globals('file', { f_count: file_ref() });
export interface DeviceFile extends HandleTo<typeof file> {}
export const process = globals('process', { fd: pointer<DeviceFile>() });
export interface Process extends HandleTo<typeof process> {}
