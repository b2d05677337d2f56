/** The kernel of RFC 02/20 and 03/20: what a scenario calls, and what it puts in the place of drivers. */
export { device_create, device_destroy, device_lock, device_unlock } from './core.ts';
export { type Driver, device_driver_attach, device_driver_detach, hostDriver } from './dd.ts';
export { type Pools, type VfioDeviceOps, vfio_device_ops } from './ops.ts';
export {
  VFIO_DEVNODE_GROUP,
  VFIO_DEVNODE_NONGROUP,
  vfio_register_device,
  vfio_register_group_dev,
  vfio_unregister_device,
  vfio_unregister_group_dev,
} from './vfio.ts';
export {
  openDevice,
  vfio_device_fops_open,
  vfio_device_fops_release,
  vfio_fops_open,
  vfio_fops_release,
  vfio_group_fops_open,
  vfio_group_fops_release,
  vfio_group_get_device_fd,
  vfio_group_set_container,
  vfio_group_unset_container,
  vfio_ioctl_set_iommu,
} from './vfio-fops.ts';
export { type DeferredPuts, iommuGroupNotifiers, vfio_group_viable, workFunctions } from './vfio-notifier.ts';
export { vfio_device_put, vfio_device_try_get, vfio_group_get, vfio_group_put } from './vfio-objects.ts';
export { vfio_pci_probe, vfio_pci_remove, vfioPci } from './vfio_pci.ts';
