/**
 * drivers/vfio/group.c and vfio_main.c, v6.3, where they differ from v6.6: what the core itself does about the virtual
 * machine. It takes a reference before the driver's open, if the machine has any left, and puts it after its close; the
 * pointer of the group is under a spinlock of its own.
 *
 * Left out: what is left out of v6.6; groups on an iommufd; the look-up of KVM's symbols.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { Kvm } from '../../../machines/vfio/kvm.ts';
import type { GroupFile, VfioDevice, VfioGroup } from '../../../machines/vfio/v6.2/vfio.ts';
import type { Device, Vfio } from '../../../machines/vfio/v6.6/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { spin_lock, spin_unlock } from '../../sync/spinlock.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import { kvm_get_kvm_safe, kvm_put_kvm, type KvmDeviceOps } from '../v4.19/kvm_main.ts';
import type { VfioDeviceOps } from '../v6.2/vfio_main.ts';
import { containerPath, vfio_device_get_from_name, vfio_group_has_iommu } from '../v6.6/group.ts';
import * as v6_6 from '../v6.6/ops.ts';
import { type DmaPath, vfio_device_put_registration, vfio_df_close, vfio_df_open } from '../v6.6/vfio_df.ts';

/** Under the lock of the set. */
function* _vfio_device_get_kvm_safe(device: VfioDevice, kvm: Kvm): Operation {
  if (yield* kvm_get_kvm_safe(kvm)) yield* store(device.kvm, kvm);
}

/** Under the lock of the set. @param kvm_ops those of the devices of the machine, which goes with the last reference */
function* vfio_device_put_kvm(device: VfioDevice, kvm_ops: KvmDeviceOps): Operation {
  const kvm = yield* load(device.kvm);
  if (isNull(kvm)) return;
  yield* kvm_put_kvm(kvm, kvm_ops);
  yield* store(device.kvm, NULL);
}

function* vfio_device_group_get_kvm_safe(device: VfioDevice, group: VfioGroup): Operation {
  yield* spin_lock(group.kvm_ref_lock);
  const kvm = yield* load(group.kvm);
  if (!isNull(kvm)) yield* _vfio_device_get_kvm_safe(device, kvm);
  yield* spin_unlock(group.kvm_ref_lock);
}

const path = (vfio: Vfio, device: VfioDevice, group: VfioGroup): DmaPath =>
  containerPath(vfio, device, group, v6_6.vfio_iommu_driver_ops);

const opsOf = (ops: VfioDeviceOps): v6_6.VfioDeviceOps => ({
  ...v6_6.vfio_device_ops,
  open_device: (device) => ops.open_device(device as VfioDevice),
  close_device: (device) => ops.close_device(device as VfioDevice),
});

function* vfio_device_group_open(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps, kvm_ops: KvmDeviceOps): Operation<number> {
  const group = yield* follow(device.group);
  let ret = -EINVAL;
  yield* mutex_lock(group.group_lock);
  if (yield* vfio_group_has_iommu(group)) {
    const dev_set = yield* follow(device.dev_set);
    yield* mutex_lock(dev_set.lock);
    if ((yield* load(device.open_count)) === 0) yield* vfio_device_group_get_kvm_safe(device, group);
    ret = yield* vfio_df_open(device, path(vfio, device, group), opsOf(ops));
    if ((yield* load(device.open_count)) === 0) yield* vfio_device_put_kvm(device, kvm_ops);
    yield* mutex_unlock(dev_set.lock);
  }
  yield* mutex_unlock(group.group_lock);
  return ret;
}

function* vfio_device_group_close(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps, kvm_ops: KvmDeviceOps): Operation {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  yield* vfio_df_close(device, path(vfio, device, group), opsOf(ops));
  if ((yield* load(device.open_count)) === 0) yield* vfio_device_put_kvm(device, kvm_ops);
  yield* mutex_unlock(dev_set.lock);
  yield* mutex_unlock(group.group_lock);
}

/** VFIO_GROUP_GET_DEVICE_FD. @returns the device, or a negative errno */
export function* vfio_group_ioctl_get_device_fd(
  vfio: Vfio,
  group: VfioGroup,
  name: Device,
  ops: VfioDeviceOps,
  kvm_ops: KvmDeviceOps,
): Operation<VfioDevice | number> {
  const device = (yield* vfio_device_get_from_name(group, name)) as VfioDevice | Null;
  if (isNull(device)) return -ENODEV;
  const ret = yield* vfio_device_group_open(vfio, device, ops, kvm_ops);
  if (ret === 0) return device;
  yield* vfio_device_put_registration(device);
  return ret;
}

/** The last close(2) of a device file. */
export function* vfio_device_fops_release(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps,
  kvm_ops: KvmDeviceOps,
): Operation<number> {
  yield* vfio_device_group_close(vfio, device, ops, kvm_ops);
  yield* vfio_device_put_registration(device);
  return 0;
}

/** For KVM, which has a reference on the file. */
export function* vfio_file_set_kvm(file: GroupFile, kvm: Kvm | Null): Operation {
  const group = yield* follow(file.private_data);
  yield* spin_lock(group.kvm_ref_lock);
  yield* store(group.kvm, kvm);
  yield* spin_unlock(group.kvm_ref_lock);
}
