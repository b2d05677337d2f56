/**
 * virt/kvm/vfio.c, v6.6, where it differs from v6.2: all of an ADD and of a DEL is under the lock, by 9e0f4f2918c2 and
 * 73e2f19da508. The file of an entry may be that of a group or, which is left out here, of a device.
 *
 * Left out: what is left out of v6.2; the release, in which the coherency is updated without the lock.
 */
import { NULL } from '../../../machines/object.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import type { KvmDevice } from '../../../machines/vfio/kvm.ts';
import type { GroupFile, KvmVfioGroup } from '../../../machines/vfio/v6.2/vfio.ts';
import { follow } from '../../driver-core/pointer.ts';
import { kzalloc, type Operation } from '../../step.ts';
import { fget, get_file } from '../../sync/file.ts';
import { list_add_tail } from '../../sync/list.ts';
import { store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EBADF, ENOENT } from '../errno.ts';
import { coherency, deleteEntry, type Fd, findFile, putFile, type Side } from '../v6.2/kvm_vfio.ts';

/** KVM_DEV_VFIO_FILE_ADD. @param from a pool */
export function* kvm_vfio_file_add(side: Side, dev: KvmDevice, fd: Fd, from: KvmVfioGroup): Operation<number> {
  const found = yield* fget(fd);
  if (found === NULL) return -EBADF;
  const filp = found as GroupFile;
  const kv = yield* follow(dev.private);
  let ret = -EEXIST;
  yield* mutex_lock(kv.lock);
  if ((yield* findFile(kv, filp)) === undefined) {
    const kvf = yield* kzalloc(from);
    yield* get_file(filp.f_count);
    yield* store(kvf.file, filp);
    yield* list_add_tail(kvf.node, kv.group_list);
    yield* side.set_kvm(yield* follow(kvf.file), yield* follow(dev.kvm));
    yield* coherency(kv);
    ret = 0;
  }
  yield* mutex_unlock(kv.lock);
  yield* putFile(side, filp);
  return ret;
}

/** KVM_DEV_VFIO_FILE_DEL */
export function* kvm_vfio_file_del(side: Side, dev: KvmDevice, fd: Fd): Operation<number> {
  const found = yield* fget(fd);
  if (found === NULL) return -EBADF;
  const filp = found as GroupFile;
  const kv = yield* follow(dev.private);
  yield* mutex_lock(kv.lock);
  const kvf = yield* findFile(kv, filp);
  if (kvf !== undefined) yield* deleteEntry(side, kv, kvf);
  yield* coherency(kv);
  yield* mutex_unlock(kv.lock);
  yield* putFile(side, filp);
  return kvf === undefined ? -ENOENT : 0;
}
