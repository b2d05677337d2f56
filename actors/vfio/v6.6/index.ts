/** The merged design: what scenarios call of drivers/vfio at v6.6 and of the driver core beneath. */
export { device_driver_attach, device_driver_detach, __driver_attach, type Driver, host_driver } from '../../driver-core/dd.ts';
export { vfio_fops_open, vfio_fops_release, vfio_ioctl_set_iommu } from './container.ts';
export { vfio_df_ioctl_bind_iommufd } from './device_cdev.ts';
export {
  closeGroup,
  openGroup,
  VFIO_GROUP_FLAGS_CONTAINER_SET,
  VFIO_GROUP_FLAGS_VIABLE,
  vfio_group_ioctl_get_device_fd,
  vfio_group_ioctl_get_status,
  vfio_group_ioctl_set_container,
  vfio_group_ioctl_unset_container,
} from './group.ts';
export {
  type Pools,
  vfio_device_ops,
  type VfioDeviceOps,
  vfio_iommu_driver_ops,
  type VfioIommuDriverOps,
} from './ops.ts';
export {
  _vfio_alloc_device,
  attachIommufdPt,
  closeDevice,
  detachIommufdPt,
  openDevice,
  openFoundDevice,
  vfio_assign_device_set,
  vfio_device_fops_read,
  vfio_device_fops_release,
  vfio_device_fops_unl_ioctl,
  vfio_put_device,
  vfio_register_group_dev,
  vfio_unregister_group_dev,
} from './vfio_main.ts';
export { type VfioPci, vfio_pci_core_register_device, vfio_pci_driver } from './vfio_pci.ts';
