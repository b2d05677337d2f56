/** v5.10: what differs from v4.19. */
export * from './kvmgt.ts';
export * from './mdev_core.ts';
export * from './mdev_sysfs.ts';
export * from './vfio_iommu_type1.ts';
