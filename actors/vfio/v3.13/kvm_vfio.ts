/**
 * virt/kvm/vfio.c, v3.13 to v4.12, where it differs from v4.19: to find the entry of a file, DEL becomes an external user of
 * the group once more.
 *
 * Read in v4.9, where the coherency is asked for group by group, as from v3.15 on; the machine the group learns from v4.10 on.
 *
 * Left out: what is left out of v4.19.
 */
import { NULL } from '../../../machines/object.ts';
import type { KvmDevice } from '../../../machines/vfio/kvm.ts';
import type { KvmVfioGroup } from '../../../machines/vfio/v4.19/kvm.ts';
import type { GroupFile } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow } from '../../driver-core/pointer.ts';
import { kfree, type Operation } from '../../step.ts';
import { fget } from '../../sync/file.ts';
import { list_del, list_for_each_entry } from '../../sync/list.ts';
import { load } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EBADF, ENOENT } from '../errno.ts';
import { type Fd, kvm_vfio_update_coherency } from '../v4.19/kvm_vfio.ts';
import type { Core } from '../v4.19/ops.ts';
import { vfio_group_get_external_user, vfio_group_put_external_user } from '../v4.19/vfio.ts';
import { putGroupFile } from '../v4.19/vfio-fops.ts';
import type { DevViable } from '../v4.19/vfio-notifier.ts';

/** KVM_DEV_VFIO_GROUP_DEL. @param viable which devices make a group viable: those of v4.19, unless others are given */
export function* kvm_vfio_group_del(core: Core, dev: KvmDevice, fd: Fd, viable?: DevViable): Operation<number> {
  const f = yield* fget(fd);
  if (f === NULL) return -EBADF;
  const filep = f as GroupFile;
  const vfio_group = yield* vfio_group_get_external_user(core, filep, viable);
  yield* putGroupFile(core, filep);
  if (typeof vfio_group === 'number') return vfio_group;
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  const deleted = yield* list_for_each_entry(kv.group_list, 'node', function* (kvg: KvmVfioGroup) {
    if ((yield* load(kvg.vfio_group)) !== vfio_group) return undefined;
    yield* list_del(kvg.node, kv.group_list);
    yield* vfio_group_put_external_user(core, yield* follow(kvg.vfio_group));
    yield* kfree(kvg);
    return true;
  });
  yield* mutex_unlock(kv.lock);
  yield* vfio_group_put_external_user(core, vfio_group);
  yield* kvm_vfio_update_coherency(core, dev);
  return deleted === true ? 0 : -ENOENT;
}
