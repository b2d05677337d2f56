/**
 * The structs of drivers/vfio at v6.2 and v6.3, where a group and a device know of a virtual machine: those of v6.6, with
 * what these leave out of KVM. What v6.6 has and they had not nobody touches.
 */
import { globals, type HandleTo, type Json, struct } from '../../object.ts';
import { pointer } from '../../sync/field.ts';
import { file_ref } from '../../sync/file.ts';
import { list_node } from '../../sync/list.ts';
import { spinlock } from '../../sync/spinlock.ts';
import type { Kvm } from '../kvm.ts';
import * as v6_6 from '../v6.6/vfio.ts';
import { registered, type GroupStart } from '../v6.6/start.ts';

export const vfio_group = struct('vfio_group', {
  ...v6_6.vfio_group.parts,
  /** Borrowed. Up to v6.2 it is under group_lock, from v6.3 on under kvm_ref_lock. */
  kvm: pointer<Kvm>(),
  kvm_ref_lock: spinlock(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

export const vfio_device = struct('vfio_device', {
  ...v6_6.vfio_device.parts,
  group: pointer<VfioGroup>(),
  /** As of the first open; from v6.3 on with a reference. */
  kvm: pointer<Kvm>(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}

/** struct file of a group fd. */
export const file = globals('file', { f_count: file_ref(), private_data: pointer<VfioGroup>() });
export interface GroupFile extends HandleTo<typeof file> {}

/** One entry of a descriptor table. */
export const fdtable = globals('fdtable', { group: pointer<GroupFile>() });

/** virt/kvm/vfio.c, v5.19 on: an entry is a file, of which it has a reference. */
export const kvm_vfio_group = struct('kvm_vfio_group', { node: list_node(), file: pointer<GroupFile>() });
export interface KvmVfioGroup extends HandleTo<typeof kvm_vfio_group> {}

/** What `start` says of a group that is opened as `file`, which is the entry of `fds`. */
export const opened = (
  start: GroupStart & { readonly opened: NonNullable<GroupStart['opened']> },
  fds: string,
): { readonly [path: string]: { readonly [field: string]: Json } } => ({
  ...registered(start),
  [`${start.opened.file}.private_data`]: { value: { at: start.group } },
  [`${fds}.group`]: { value: { at: start.opened.file } },
});
