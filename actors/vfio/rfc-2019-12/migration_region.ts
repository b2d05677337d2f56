/**
 * What a provider of mediate ops makes of the migration region of RFC 03/09, December 2019: an access to a register is one
 * pread() or pwrite(), trapped, and under a lock of the provider.
 *
 * The RFC names the registers, and the order in which a user goes through them. It does not say what comes of another
 * order; this provider refuses it. Nor does it know a session: whoever has the file open shares the one data section.
 *
 * Left out: what the device does with its data; accesses of the wrong width, which are refused.
 */
import {
  type MigrationRegion,
  VFIO_DEVICE_DIRTY_PFNS_ALL,
  VFIO_DEVICE_DIRTY_PFNS_NONE,
  VFIO_DEVICE_STATE_RESUMING,
  VFIO_DEVICE_STATE_SAVING,
} from '../../../machines/vfio/rfc-2019-12/migration.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL } from '../errno.ts';

const VFIO_DEVICE_STATE_MASK = 7;
const VFIO_DEVICE_STATE_INVALID = VFIO_DEVICE_STATE_SAVING | VFIO_DEVICE_STATE_RESUMING;

/** Whether a state may be set, beside the one that is. */
export type Rule = (now: number, wanted: number) => boolean;

/** The RFC has a mask of what must not be set at the same time; a test for that value does not see what else is set. */
export const isNotInvalid: Rule = (_now, wanted) => (wanted & VFIO_DEVICE_STATE_MASK) !== VFIO_DEVICE_STATE_INVALID;

/** How many pages a bitmap in the data section covers. */
const PFNS = 2;

function* locked<R>(region: MigrationRegion, access: (state: number) => Operation<R>): Operation<R> {
  yield* mutex_lock(region.lock);
  const done = yield* access(yield* load(region.device_state));
  yield* mutex_unlock(region.lock);
  return done;
}

const isSaving = (state: number): boolean => (state & VFIO_DEVICE_STATE_SAVING) !== 0;
const isResuming = (state: number): boolean => (state & VFIO_DEVICE_STATE_RESUMING) !== 0;

export function* read_device_state(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* (state) {
    return state;
  });
}

/** @returns 0, or -EINVAL where there is no such state, or no way to it */
export function* write_device_state(region: MigrationRegion, value: number, rule: Rule = isNotInvalid): Operation<number> {
  return yield* locked(region, function* (state) {
    if (!rule(state, value)) return -EINVAL;
    yield* store(region.device_state, value);
    return 0;
  });
}

export function* read_pending_bytes(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* (state) {
    return isSaving(state) ? yield* load(region.pending_bytes) : -EINVAL;
  });
}

/** While it saves, that is what makes the device write its next chunk, unless a bitmap has just been written there. */
export function* read_data_offset(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* (state) {
    if (!isSaving(state) && !isResuming(state)) return -EINVAL;
    if (isSaving(state)) yield* stageNext(region);
    return 0x1000;
  });
}

function* stageNext(region: MigrationRegion): Operation {
  if ((yield* load(region.copied_pfns)) !== 0) {
    yield* store(region.copied_pfns, 0);
    return;
  }
  const pending = yield* load(region.pending_bytes);
  if (pending === 0) return;
  const chunk = (yield* load(region.chunk)) + 1;
  yield* store(region.chunk, chunk);
  yield* store(region.pending_bytes, pending - 1);
  yield* store(region.data_section, { chunk });
  yield* store(region.data_size, 1);
}

export function* read_data_size(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* (state) {
    return isSaving(state) ? yield* load(region.data_size) : -EINVAL;
  });
}

/** @returns the number of the chunk that lies there, the dirty pages of a bitmap, or -EINVAL where there is nothing */
export function* read_data(region: MigrationRegion): Operation<number | readonly number[]> {
  return yield* locked(region, function* (state) {
    const staged = yield* load(region.data_section);
    if (!isSaving(state) || staged === null) return -EINVAL;
    return 'chunk' in staged ? staged.chunk : staged.dirty;
  });
}

export function* write_data(region: MigrationRegion, chunk: number): Operation<number> {
  return yield* locked(region, function* (state) {
    if (!isResuming(state)) return -EINVAL;
    yield* store(region.data_section, { chunk });
    return 0;
  });
}

/** It tells the device to take over what lies there. */
export function* write_data_size(region: MigrationRegion, size: number): Operation<number> {
  return yield* locked(region, function* (state) {
    const staged = yield* load(region.data_section);
    if (!isResuming(state) || size === 0 || staged === null || !('chunk' in staged)) return -EINVAL;
    yield* store(region.loaded, [...(yield* load(region.loaded)), staged.chunk]);
    yield* store(region.data_section, null);
    return 0;
  });
}

export function* write_start_pfn(region: MigrationRegion, pfn: number): Operation<number> {
  return yield* locked(region, function* () {
    yield* store(region.start_pfn, pfn);
    return 0;
  });
}

export function* write_total_pfns(region: MigrationRegion, pfns: number): Operation<number> {
  return yield* locked(region, function* () {
    yield* store(region.total_pfns, pfns);
    return 0;
  });
}

/** @returns NONE or ALL of the range, or for how many pages from its start a bitmap lies in the data section */
export function* read_copied_pfns(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* (state) {
    const start = yield* load(region.start_pfn);
    const total = yield* load(region.total_pfns);
    if (!isSaving(state) || start === null || total === null) return -EINVAL;
    const dirty = yield* load(region.dirty);
    const inRange = dirty.filter((pfn) => pfn >= start && pfn < start + total);
    if (inRange.length === 0) return VFIO_DEVICE_DIRTY_PFNS_NONE;
    if (inRange.length === total) return VFIO_DEVICE_DIRTY_PFNS_ALL;
    const copied = Math.min(total, PFNS);
    yield* store(region.data_section, { dirty: inRange.filter((pfn) => pfn < start + copied) });
    yield* store(region.copied_pfns, copied);
    return copied;
  });
}

/** Registers that are read only, or write only. */
export function* write_pending_bytes(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* () {
    return -EINVAL;
  });
}
export function* read_start_pfn(region: MigrationRegion): Operation<number> {
  return yield* locked(region, function* () {
    return -EINVAL;
  });
}
