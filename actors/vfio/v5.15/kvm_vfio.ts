/**
 * virt/kvm/vfio.c, v5.15.y with 9e0f4f2918c2 (v6.6) as it went to the stable trees, where it differs from v4.19: the group
 * is told of the machine before the lock goes.
 *
 * Left out: what is left out of v4.19.
 */
import { NULL } from '../../../machines/object.ts';
import type { KvmDevice } from '../../../machines/vfio/kvm.ts';
import type { KvmVfioGroup } from '../../../machines/vfio/v4.19/kvm.ts';
import type { GroupFile } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { fget } from '../../sync/file.ts';
import { EBADF } from '../errno.ts';
import { type Fd, kvm_vfio_update_coherency, listGroup } from '../v4.19/kvm_vfio.ts';
import type { Core } from '../v4.19/ops.ts';
import { vfio_group_get_external_user, vfio_group_set_kvm } from '../v4.19/vfio.ts';
import { putGroupFile } from '../v4.19/vfio-fops.ts';

/** KVM_DEV_VFIO_GROUP_ADD. @param from a pool */
export function* kvm_vfio_group_add(core: Core, dev: KvmDevice, fd: Fd, from: KvmVfioGroup): Operation<number> {
  const f = yield* fget(fd);
  if (f === NULL) return -EBADF;
  const filep = f as GroupFile;
  const vfio_group = yield* vfio_group_get_external_user(core, filep);
  yield* putGroupFile(core, filep);
  if (typeof vfio_group === 'number') return vfio_group;
  const ret = yield* listGroup(core, dev, vfio_group, from, function* () {
    yield* vfio_group_set_kvm(core, vfio_group, yield* follow(dev.kvm));
  });
  if (ret !== 0) return ret;
  yield* kvm_vfio_update_coherency(core, dev);
  return 0;
}
