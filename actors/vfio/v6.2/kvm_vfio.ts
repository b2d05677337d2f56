/**
 * virt/kvm/vfio.c, v6.2 (from v5.19 to v6.5, as far as it is modelled): an entry has a reference on the file of its group.
 * What ended with the machine up to v6.2-rc5 ends when the file of the device is closed, by 51cdc8bc120e.
 *
 * Left out: the look-up of VFIO's symbols, which is a module that is loaded; sPAPR; what the architecture counts of
 * assigned devices and of DMA that is not coherent; allocations and copies that fail; whether a file is a group's.
 */
import type { Handle, Null } from '../../../machines/object.ts';
import { NULL } from '../../../machines/object.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Kvm, KvmDevice, KvmVfio } from '../../../machines/vfio/kvm.ts';
import type { GroupFile, KvmVfioGroup } from '../../../machines/vfio/v6.2/vfio.ts';
import type { Vfio, VfioDevice } from '../../../machines/vfio/v6.6/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import { kfree, kzalloc, type Operation } from '../../step.ts';
import { fget, fput } from '../../sync/file.ts';
import { list_add_tail, list_del, list_for_each_entry, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EBADF, ENOENT } from '../errno.ts';
import type { KvmDeviceOps } from '../v4.19/kvm_main.ts';
import { releaseOf } from './vfio_main.ts';

/** A descriptor: what it leads to, if anything. */
export type Fd = Handle<Field<GroupFile | Null>>;

/** What it stands on: the globals of VFIO, and how a group is told of a machine. */
export interface Side {
  readonly vfio: Vfio;
  readonly set_kvm: (file: GroupFile, kvm: Kvm | Null) => Operation;
}

export const putFile = ({ vfio }: Side, file: GroupFile): Operation =>
  fput(file.f_count, function* () {
    yield* releaseOf(vfio, yield* follow(file.private_data));
  });

/** drivers/vfio/group.c: of each device in the group the IOMMU is asked, which says yes here. */
function* vfio_file_enforced_coherent(file: GroupFile): Operation<boolean> {
  const group = yield* follow(file.private_data);
  yield* mutex_lock(group.device_lock);
  yield* list_for_each_entry<VfioDevice, undefined>(group.device_list, 'group_next', function* (device) {
    yield* load(device.dev);
    return undefined;
  });
  yield* mutex_unlock(group.device_lock);
  return true;
}

/** What is on the list by then decides. */
export function* coherency(kv: KvmVfio): Operation {
  const found = yield* list_for_each_entry(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    return (yield* vfio_file_enforced_coherent(yield* follow(kvg.file))) ? undefined : true;
  });
  const noncoherent = found === true;
  if ((yield* load(kv.noncoherent)) !== noncoherent) yield* store(kv.noncoherent, noncoherent);
}

function* kvm_vfio_update_coherency(dev: KvmDevice): Operation {
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  yield* coherency(kv);
  yield* mutex_unlock(kv.lock);
}

export function* findFile(kv: KvmVfio, filp: GroupFile): Operation<KvmVfioGroup | undefined> {
  return yield* list_for_each_entry(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    return (yield* load(kvg.file)) === filp ? kvg : undefined;
  });
}

/** KVM_DEV_VFIO_GROUP_ADD. The reference that the look-up took becomes the entry's. @param from a pool */
export function* kvm_vfio_group_add(side: Side, dev: KvmDevice, fd: Fd, from: KvmVfioGroup): Operation<number> {
  const found = yield* fget(fd);
  if (found === NULL) return -EBADF;
  const filp = found as GroupFile;
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  if ((yield* findFile(kv, filp)) !== undefined) {
    yield* mutex_unlock(kv.lock);
    yield* putFile(side, filp);
    return -EEXIST;
  }
  const kvg = yield* kzalloc(from);
  yield* store(kvg.file, filp);
  yield* list_add_tail(kvg.node, kv.group_list);
  yield* mutex_unlock(kv.lock);
  yield* side.set_kvm(yield* follow(kvg.file), yield* follow(dev.kvm));
  yield* kvm_vfio_update_coherency(dev);
  return 0;
}

/** Under the lock, or with the device alone. */
export function* deleteEntry(side: Side, kv: KvmVfio, kvg: KvmVfioGroup): Operation {
  yield* list_del(kvg.node, kv.group_list);
  const file = yield* follow(kvg.file);
  yield* side.set_kvm(file, NULL);
  yield* putFile(side, file);
  yield* kfree(kvg);
}

/** KVM_DEV_VFIO_GROUP_DEL */
export function* kvm_vfio_group_del(side: Side, dev: KvmDevice, fd: Fd): Operation<number> {
  const found = yield* fget(fd);
  if (found === NULL) return -EBADF;
  const filp = found as GroupFile;
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  const kvg = yield* findFile(kv, filp);
  if (kvg !== undefined) yield* deleteEntry(side, kv, kvg);
  yield* mutex_unlock(kv.lock);
  yield* putFile(side, filp);
  yield* kvm_vfio_update_coherency(dev);
  return kvg === undefined ? -ENOENT : 0;
}

/** Of a device that nobody else has any more: without the lock. */
function* deleteEntries(side: Side, kv: KvmVfio): Operation {
  yield* list_for_each_entry_safe(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    const file = yield* follow(kvg.file);
    yield* side.set_kvm(file, NULL);
    yield* putFile(side, file);
    yield* list_del(kvg.node, kv.group_list);
    yield* kfree(kvg);
  });
}

function* kvm_vfio_destroy(side: Side, dev: KvmDevice): Operation {
  const kv = yield* follow(dev.private);
  yield* deleteEntries(side, kv);
  yield* kvm_vfio_update_coherency(dev);
  yield* kfree(kv);
  yield* kfree(dev);
}

function* kvm_vfio_release(side: Side, dev: KvmDevice): Operation {
  const kv = yield* follow(dev.private);
  yield* deleteEntries(side, kv);
  yield* kvm_vfio_update_coherency(dev);
  yield* kfree(kv);
  yield* kfree(dev);
}

/** Up to v6.2-rc5: with the machine, when nobody has it any more. */
export const destroyedWithMachine = (side: Side): KvmDeviceOps => ({ destroy: (dev) => kvm_vfio_destroy(side, dev) });
/** With the file of the device, under kvm->lock. */
export const releasedWithFile = (side: Side): KvmDeviceOps => ({ release: (dev) => kvm_vfio_release(side, dev) });
