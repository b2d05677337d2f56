/**
 * include/linux/vfio.h, v5.4 with RFC 1/9 of December 2019: struct vfio_pci_mediate_ops, and what a design does with it.
 *
 * Which functions a provider has does not change while it is loaded. That one of them is there is read in its memory all
 * the same, and so is its code when it is called.
 */
import type {
  MediateEntry,
  MediateProvider,
  PciDev,
  VfioPci,
  VfioPciDevice,
  VfioPciRegion,
  VfioPciRegops,
} from '../../../machines/vfio/rfc-2019-12/index.ts';
import type { Operation } from '../../step.ts';
import { module_text } from '../../sync/module.ts';

/** struct vfio_region_info, and the capabilities behind it. */
export type RegionInfo = {
  readonly index: number;
  readonly size: number;
  readonly flags: number;
  readonly caps: readonly string[];
};
/** struct vfio_region_info_cap_type; NULL for the regions of PCI. */
export type CapType = { readonly type: number; readonly subtype: number };

export const VFIO_REGION_INFO_FLAG_READ = 1;
export const VFIO_REGION_INFO_FLAG_WRITE = 2;
export const VFIO_REGION_INFO_FLAG_MMAP = 4;
export const VFIO_REGION_INFO_FLAG_CAPS = 8;

export const VFIO_PCI_DEVICE_CAP_MIGRATION = 1;

/** One of read(2), write(2): what is written comes along, what is read is returned. */
export interface Access {
  readonly index: number;
  /** From the beginning of the region: which of its registers. */
  readonly pos?: string;
  readonly write?: number;
}
/** `pt`: vfio-pci is to pass it through to the device. */
export interface Handled {
  readonly pt: boolean;
  readonly ret: number;
}

export interface VfioPciMediateOps {
  readonly open: (pdev: PciDev) => Operation<{ readonly ret: number; readonly caps: number; readonly handle: number }>;
  readonly release?: (handle: number) => Operation;
  readonly get_region_info?: (handle: number, info: RegionInfo, cap_type: CapType | null) => Operation<RegionInfo>;
  readonly rw?: (handle: number, access: Access) => Operation<Handled>;
  readonly mmap?: (handle: number, index: number) => Operation<Handled>;
}

/** The ops of each provider, by its name. */
export type Providers = { readonly [provider: string]: VfioPciMediateOps };

/** How vfio-pci keeps its providers. */
export interface MediateDesign {
  readonly register: (driver: VfioPciDriver, ops: MediateProvider) => Operation<number>;
  readonly unregister: (driver: VfioPciDriver, ops: MediateProvider) => Operation;
  /** In vfio_pci_open(), for the first who opens the device. @returns what the open then returns, but for a success */
  readonly find: (driver: VfioPciDriver, vdev: VfioPciDevice) => Operation<number>;
  /** In vfio_pci_release(), for the last who closes it: before the device is disabled, and after. */
  readonly beforeDisable?: (driver: VfioPciDriver, vdev: VfioPciDevice) => Operation;
  readonly afterDisable?: (driver: VfioPciDriver, vdev: VfioPciDevice) => Operation;
}

/** What of the series there is beside RFC 1/9; nothing, where a driver has none. */
export interface Series {
  /** RFC 3/9: a default migration region for a provider that asks for one. */
  readonly migrationRegion?: {
    readonly region: VfioPciRegion;
    /** In the place of NULL. */
    readonly ops?: VfioPciRegops;
  };
  /** RFC 2/9: whether a region has functions is asked before they are used; as posted, for its release the wrong way round. */
  readonly testsRegionOps: 'no' | 'as posted' | 'as meant';
}

/** vfio-pci with what a scenario puts in the place of providers and of memory. */
export interface VfioPciDriver {
  readonly vfio_pci: VfioPci;
  readonly design: MediateDesign;
  readonly providers: Providers;
  /** A pool. */
  readonly entry: MediateEntry;
  readonly series?: Series;
  /** pci_enable_device() may fail. */
  readonly mayFailToEnable?: boolean;
}

const opsOf = ({ providers }: VfioPciDriver, at: MediateProvider): VfioPciMediateOps => {
  const ops = providers[at.path];
  if (ops === undefined) throw new RangeError(`no mediate ops are given for "${at.path}"`);
  return ops;
};

/** `pr_info("… %s", ops->name)` */
export const prints = (ops: MediateProvider, pr: 'pr_info' | 'pr_err'): Operation =>
  module_text(ops.module, `${pr}(${ops.path}.name)`);

/** `if (ops->rw)` */
export function* hasOp(driver: VfioPciDriver, ops: MediateProvider, name: keyof VfioPciMediateOps): Operation<boolean> {
  yield* module_text(ops.module, `${ops.path}.${name} != NULL`);
  return opsOf(driver, ops)[name] !== undefined;
}

/** `ops->rw(…)`: the pointer is read and its code entered in one step, as both lie in the memory of the module. */
export function* enterOp<K extends keyof VfioPciMediateOps>(
  driver: VfioPciDriver,
  ops: MediateProvider,
  name: K,
): Operation<NonNullable<VfioPciMediateOps[K]>> {
  yield* module_text(ops.module, `${ops.path}.${name}()`);
  const called = opsOf(driver, ops)[name];
  if (called === undefined) throw new RangeError(`"${ops.path}" has no ${name}`);
  return called;
}
