/**
 * virt/kvm/kvm_main.c, v4.19: the references on a virtual machine, and what becomes of its devices. A device that has a
 * `release`, as may be from v5.2 on, goes when its file is closed; others go with the machine.
 *
 * Left out: memory slots, buses, interrupts and all else that a machine has; the list of machines.
 */
import type { Kvm, KvmDevice } from '../../../machines/vfio/kvm.ts';
import { follow } from '../../driver-core/pointer.ts';
import { kfree, type Operation } from '../../step.ts';
import { list_del, list_for_each_entry_safe } from '../../sync/list.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { refcount_dec_and_test, refcount_inc, refcount_inc_not_zero } from '../../sync/refcount.ts';

/** struct kvm_device_ops (include/linux/kvm_host.h). */
export interface KvmDeviceOps {
  readonly destroy?: (dev: KvmDevice) => Operation;
  readonly release?: (dev: KvmDevice) => Operation;
}

export const kvm_get_kvm = (kvm: Kvm): Operation => refcount_inc(kvm.users_count);
/** From v5.12 on: for whoever has a pointer and no reference. */
export const kvm_get_kvm_safe = (kvm: Kvm): Operation<boolean> => refcount_inc_not_zero(kvm.users_count);

/** Nobody has a reference any more, so that no lock is needed. */
function* kvm_destroy_devices(kvm: Kvm, ops: KvmDeviceOps): Operation {
  yield* list_for_each_entry_safe(kvm.devices, 'vm_node', function* (dev: KvmDevice) {
    yield* list_del(dev.vm_node, kvm.devices);
    if (ops.destroy !== undefined) yield* ops.destroy(dev);
  });
}

function* kvm_destroy_vm(kvm: Kvm, ops: KvmDeviceOps): Operation {
  yield* kvm_destroy_devices(kvm, ops);
  yield* kfree(kvm);
}

/** @param ops those of the devices of the machine */
export function* kvm_put_kvm(kvm: Kvm, ops: KvmDeviceOps): Operation {
  if (yield* refcount_dec_and_test(kvm.users_count)) yield* kvm_destroy_vm(kvm, ops);
}

/** The last close(2) of the file of a machine. */
export const kvm_vm_release = (kvm: Kvm, ops: KvmDeviceOps): Operation => kvm_put_kvm(kvm, ops);

/** That of a device in it. */
export function* kvm_device_release(dev: KvmDevice, ops: KvmDeviceOps): Operation {
  const kvm = yield* follow(dev.kvm);
  if (ops.release !== undefined) {
    yield* mutex_lock(kvm.lock);
    yield* list_del(dev.vm_node, kvm.devices);
    yield* ops.release(dev);
    yield* mutex_unlock(kvm.lock);
  }
  yield* kvm_put_kvm(kvm, ops);
}
