/** v4.19: containers and type1. */
export * from './vfio-container.ts';
export * from './vfio_iommu_type1.ts';
