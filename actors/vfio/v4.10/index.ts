/** v4.10: mediated devices, and the samples that are made so. */
export * from './mdev_core.ts';
export * from './mdev_ops.ts';
export * from './mdev_sysfs.ts';
export * from './mtty.ts';
export * from './vfio_mdev.ts';
