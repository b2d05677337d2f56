/**
 * The migration region of RFC 03/09 "vfio/pci: register a default migration region", December 2019
 * (include/uapi/linux/vfio.h, struct vfio_device_migration_info): eight registers, and the data section behind them.
 *
 * Data is counted in chunks, and a bitmap covers a few pages. Left out: page_size, which is 1; where the section lies.
 */
import { globals, type HandleTo } from '../../object.ts';
import { field } from '../../sync/field.ts';
import { mutex } from '../../sync/mutex.ts';

/** Bits of device_state; none of them is a device that stands still. */
export const [VFIO_DEVICE_STATE_RUNNING, VFIO_DEVICE_STATE_SAVING, VFIO_DEVICE_STATE_RESUMING] = [1, 2, 4] as const;

/** What copied_pfns may say instead of a count; ~0ULL is -1 here, see `u64`. */
export const [VFIO_DEVICE_DIRTY_PFNS_NONE, VFIO_DEVICE_DIRTY_PFNS_ALL] = [0, -1] as const;

/** What lies in the data section: a chunk of the device's state, or the dirty ones of some pages. */
export type Staged = null | { readonly chunk: number } | { readonly dirty: readonly number[] };

/** The parts below the line are the provider's own. */
const registers = {
  pending_bytes: field<number>(0),
  data_size: field<number>(0),
  start_pfn: field<number | null>(null),
  total_pfns: field<number | null>(null),
  copied_pfns: field<number>(0),
  data_section: field<Staged>(null),
  // ---
  lock: mutex(),
  /** The number of the last chunk that was staged. */
  chunk: field<number>(0),
  dirty: field<readonly number[]>([]),
  /** What the device has taken over of an image. */
  loaded: field<readonly number[]>([]),
};

export const migrationRegion = <S extends ReturnType<typeof field<number>>>(device_state: S) =>
  globals('vfio_device_migration_info', { device_state, ...registers });

export const migration_region = migrationRegion(field<number>(VFIO_DEVICE_STATE_RUNNING));
export interface MigrationRegion extends HandleTo<typeof migration_region> {}
