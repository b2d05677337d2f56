/** The kernel before devices had nodes of their own: what a scenario calls of it that differs from v6.6, on whose structs it is. */
export { vfio_group_ioctl_get_device_fd } from './group.ts';
export { vfio_device_fops_release } from './vfio_main.ts';
export { vfio_pci_driver } from './vfio_pci.ts';
