/**
 * struct kvm (include/linux/kvm_host.h), struct kvm_device and the kvm_vfio that is its private part (virt/kvm/vfio.c):
 * the same from v3.13 to v6.6, as far as they are modelled. What is on the list of a kvm_vfio differs by era.
 *
 * Left out: everything else of a virtual machine, and that there is one kvm-vfio device in it at most.
 */
import { type HandleTo, type Json, struct } from '../object.ts';
import { field, pointer } from '../sync/field.ts';
import { list_head, list_node } from '../sync/list.ts';
import { mutex } from '../sync/mutex.ts';
import { refcount } from '../sync/refcount.ts';

export const kvm = struct('kvm', {
  /** One for the file of the machine, one for that of each device in it. */
  users_count: refcount(1),
  lock: mutex(),
  devices: list_head(),
});
export interface Kvm extends HandleTo<typeof kvm> {}

export const kvm_vfio = struct('kvm_vfio', {
  lock: mutex(),
  /** `file_list` from v6.4 on. */
  group_list: list_head(),
  noncoherent: field<boolean>(false),
});
export interface KvmVfio extends HandleTo<typeof kvm_vfio> {}

export const kvm_device = struct('kvm_device', {
  kvm: pointer<Kvm>(),
  vm_node: list_node(),
  private: pointer<KvmVfio>(),
});
export interface KvmDevice extends HandleTo<typeof kvm_device> {}

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** What `start` says of a machine whose file and whose kvm-vfio device's file are open, by the names of the three. */
export const machine = (vm: string, device: string, vfio: string): Start => ({
  [`${vm}.users_count`]: { n: 2 },
  [`${vm}.devices`]: { entries: [device] },
  [`${device}.kvm`]: { value: { at: vm } },
  [`${device}.vm_node`]: { on: `${vm}.devices` },
  [`${device}.private`]: { value: { at: vfio } },
});
