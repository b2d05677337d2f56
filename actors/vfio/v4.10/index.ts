export * from './mdev_core.ts';
export * from './mdev_sysfs.ts';
export * from './mdev_vfio.ts';
export * from './mtty.ts';
export * from './mdev_ops.ts';
