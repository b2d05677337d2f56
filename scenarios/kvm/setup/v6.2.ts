/** A group with one device, open and on a container with an IOMMU, and the machine that has its file, from v6.2 on. */
import { kvm_get_kvm, kvm_put_kvm, type KvmDeviceOps } from '../../../actors/vfio/v4.19/kvm_main.ts';
import { destroyedWithMachine, releasedWithFile, type Side } from '../../../actors/vfio/v6.2/kvm_vfio.ts';
import * as v6_2 from '../../../actors/vfio/v6.2/vfio_main.ts';
import * as v6_3 from '../../../actors/vfio/v6.3/vfio_main.ts';
import { follow, isNull } from '../../../actors/driver-core/pointer.ts';
import { load } from '../../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../../actors/sync/mutex.ts';
import { EINVAL } from '../../../actors/vfio/errno.ts';
import { kvm, kvm_device, kvm_vfio, machine } from '../../../machines/vfio/kvm.ts';
import * as structs from '../../../machines/vfio/v6.2/vfio.ts';
import {
  device,
  device_driver,
  iommu_group,
  type Vfio,
  vfio,
  vfio_container,
  vfio_device_set,
} from '../../../machines/vfio/v6.6/index.ts';
import { usersWithin } from '../../laws/container-users.ts';
import { oneOwner } from '../../laws/one-owner.ts';

export const objects = {
  vfio,
  driver: device_driver,
  container: vfio_container,
  iommu_group,
  group: structs.vfio_group,
  dev_set: vfio_device_set,
  dev: device,
  device: structs.vfio_device,
  file: structs.file,
  fds: structs.fdtable,
  kvm,
  kvm_device,
  kv: kvm_vfio,
};

const opened = structs.opened(
  {
    group: 'group',
    iommu_group: 'iommu_group',
    devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'driver' }],
    opened: { file: 'file', container: 'container' },
  },
  'fds',
);

interface Locks {
  readonly dev_set: { readonly lock: { readonly owner: string | null } };
}
/** For `always`: up to v6.2 the lock of the group is held for a part of an open, within that of the set. */
export const laws = {
  ...oneOwner('iommu_group'),
  ...usersWithin(({ dev_set }: Locks) => [dev_set.lock], 'group', 'device'),
};

/** KVM knows nothing of the group yet. */
export const start = { ...opened, ...machine('kvm', 'kvm_device', 'kv') };

/** KVM was told of the group: the entry is `kvg`. */
export const listed = {
  ...start,
  'kv.group_list': { entries: ['kvg'] },
  'kvg.node': { on: 'kv.group_list' },
  'kvg.file': { value: { at: 'file' } },
  'file.f_count': { f_count: 2 },
  'group.kvm': { value: { at: 'kvm' } },
};

export const atV6_2 = (vfio: Vfio): Side => ({ vfio, set_kvm: v6_2.vfio_file_set_kvm });
export const atV6_3 = (vfio: Vfio): Side => ({ vfio, set_kvm: v6_3.vfio_file_set_kvm });

/** Up to v6.2-rc5, from then on to v6.2, and from v6.3 on: what becomes of the entries, and when. */
export const endsWithMachine = (vfio: Vfio): KvmDeviceOps => destroyedWithMachine(atV6_2(vfio));
export const endsWithFile = (vfio: Vfio): KvmDeviceOps => releasedWithFile(atV6_2(vfio));
export const endsWithFileAtV6_3 = (vfio: Vfio): KvmDeviceOps => releasedWithFile(atV6_3(vfio));
/** In no kernel: the pointer has a lock of its own, and is taken back with the machine. */
export const endsWithMachineAtV6_3 = (vfio: Vfio): KvmDeviceOps => destroyedWithMachine(atV6_3(vfio));

const ESRCH = 3;

/** drivers/gpu/drm/i915/gvt/kvmgt.c, v6.2: it is of no use without a machine, on which it takes a reference of its own. */
export const kvmgt = (kvm_ops: KvmDeviceOps): v6_2.VfioDeviceOps => ({
  *open_device(device) {
    const vm = yield* load(device.kvm);
    if (isNull(vm)) return -ESRCH;
    yield* kvm_get_kvm(vm);
    return 0;
  },
  *close_device(device) {
    yield* kvm_put_kvm(yield* follow(device.kvm), kvm_ops);
  },
});

/** drivers/s390/crypto/vfio_ap_ops.c, v6.2: likewise, and it gives the machine its adapters under kvm->lock. It is not closed here. */
export const vfio_ap: v6_2.VfioDeviceOps = {
  *open_device(device) {
    const vm = yield* load(device.kvm);
    if (isNull(vm)) return -EINVAL;
    yield* mutex_lock(vm.lock);
    yield* kvm_get_kvm(vm);
    yield* mutex_unlock(vm.lock);
    return 0;
  },
  *close_device() {},
};
