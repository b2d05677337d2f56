/**
 * virt/kvm/vfio.c, v4.19: the kvm-vfio device, by which user space tells KVM of its groups. An entry is an external user
 * of its group, from KVM_DEV_VFIO_GROUP_ADD to DEL, or to the end of the machine.
 *
 * Left out: the look-up of VFIO's symbols, which is a module that is loaded; sPAPR; what the architecture counts of
 * assigned devices and of DMA that is not coherent; allocations and copies that fail.
 */
import type { Handle, Null } from '../../../machines/object.ts';
import { NULL } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { KvmDevice } from '../../../machines/vfio/kvm.ts';
import type { KvmVfioGroup } from '../../../machines/vfio/v4.19/kvm.ts';
import type { GroupFile, VfioGroup } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow } from '../../driver-core/pointer.ts';
import { kfree, kzalloc, type Operation } from '../../step.ts';
import { fget } from '../../sync/file.ts';
import { list_add_tail, list_del, list_for_each_entry, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import { EBADF, ENOENT } from '../errno.ts';
import type { KvmDeviceOps } from './kvm_main.ts';
import type { Core } from './ops.ts';
import {
  vfio_external_check_extension,
  vfio_external_group_match_file,
  vfio_group_get_external_user,
  vfio_group_put_external_user,
  vfio_group_set_kvm,
} from './vfio.ts';
import { putGroupFile } from './vfio-fops.ts';

/** A descriptor: what it leads to, if anything. */
export type Fd = Handle<Field<GroupFile | Null>>;

/** By the lock anew each time, whatever has changed meanwhile: it goes by what is on the list by then. */
export function* kvm_vfio_update_coherency(core: Core, dev: KvmDevice): Operation {
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  const found = yield* list_for_each_entry(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    const ret = yield* vfio_external_check_extension(core, yield* follow(kvg.vfio_group), 'VFIO_DMA_CC_IOMMU');
    return ret > 0 ? undefined : true;
  });
  const noncoherent = found === true;
  if ((yield* load(kv.noncoherent)) !== noncoherent) yield* store(kv.noncoherent, noncoherent);
  yield* mutex_unlock(kv.lock);
}

/**
 * What the designs have in common: an entry on the list, under the lock.
 * @param last what is done before the lock goes
 */
export function* listGroup(
  core: Core,
  dev: KvmDevice,
  vfio_group: VfioGroup,
  from: KvmVfioGroup,
  last: () => Operation,
): Operation<number> {
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  const listed = yield* list_for_each_entry(kv.group_list, 'node', function* (entry: KvmVfioGroup) {
    return (yield* load(entry.vfio_group)) === vfio_group ? entry : undefined;
  });
  if (listed !== undefined) {
    yield* mutex_unlock(kv.lock);
    yield* vfio_group_put_external_user(core, vfio_group);
    return -EEXIST;
  }
  const kvg = yield* kzalloc(from);
  yield* list_add_tail(kvg.node, kv.group_list);
  yield* store(kvg.vfio_group, vfio_group);
  yield* last();
  yield* mutex_unlock(kv.lock);
  return 0;
}

/** The entry is there for others to delete before its group is told of the machine. */
function* nothing(): Operation {}

/** KVM_DEV_VFIO_GROUP_ADD. @param from a pool */
export function* kvm_vfio_group_add(core: Core, dev: KvmDevice, fd: Fd, from: KvmVfioGroup): Operation<number> {
  const f = yield* fget(fd);
  if (f === NULL) return -EBADF;
  const filep = f as GroupFile;
  const vfio_group = yield* vfio_group_get_external_user(core, filep);
  yield* putGroupFile(core, filep);
  if (typeof vfio_group === 'number') return vfio_group;
  const ret = yield* listGroup(core, dev, vfio_group, from, nothing);
  if (ret !== 0) return ret;
  yield* vfio_group_set_kvm(core, vfio_group, yield* follow(dev.kvm));
  yield* kvm_vfio_update_coherency(core, dev);
  return 0;
}

/** KVM_DEV_VFIO_GROUP_DEL */
export function* kvm_vfio_group_del(core: Core, dev: KvmDevice, fd: Fd): Operation<number> {
  const f = yield* fget(fd);
  if (f === NULL) return -EBADF;
  const filep = f as GroupFile;
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  const deleted = yield* list_for_each_entry(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    const vfio_group = yield* follow(kvg.vfio_group);
    if (!(yield* vfio_external_group_match_file(vfio_group, filep))) return undefined;
    yield* list_del(kvg.node, kv.group_list);
    yield* vfio_group_set_kvm(core, vfio_group, NULL);
    yield* vfio_group_put_external_user(core, vfio_group);
    yield* kfree(kvg);
    return true;
  });
  yield* mutex_unlock(kv.lock);
  yield* putGroupFile(core, filep);
  yield* kvm_vfio_update_coherency(core, dev);
  return deleted === true ? 0 : -ENOENT;
}

/** With the machine, when nobody has it any more. */
export function* kvm_vfio_destroy(core: Core, dev: KvmDevice): Operation {
  const kv = yield* follow(dev.private);
  yield* list_for_each_entry_safe(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    const vfio_group = yield* follow(kvg.vfio_group);
    yield* vfio_group_set_kvm(core, vfio_group, NULL);
    yield* vfio_group_put_external_user(core, vfio_group);
    yield* list_del(kvg.node, kv.group_list);
    yield* kfree(kvg);
  });
  yield* kvm_vfio_update_coherency(core, dev);
  yield* kfree(kv);
  yield* kfree(dev);
}

export const kvm_vfio_ops = (core: Core): KvmDeviceOps => ({ destroy: (dev) => kvm_vfio_destroy(core, dev) });
