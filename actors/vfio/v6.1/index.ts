/** v6.1: emulated devices, which pin pages of a container. */
export * from './container.ts';
export * from './kvmgt.ts';
export * from './mdev_core.ts';
export * from './ops.ts';
export * from './vfio_iommu_type1.ts';
export * from './vfio_main.ts';
