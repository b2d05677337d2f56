/** The kernel before devices had nodes of their own: what differs from the merged design, for scenarios. */
export { vfio_group_ioctl_get_device_fd } from './group.ts';
export { vfio_device_fops_release, vfio_unregister_group_dev } from './vfio_main.ts';
export { vfio_pci_driver } from './vfio_pci.ts';
