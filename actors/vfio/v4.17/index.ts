/** v4.17: to whom a mapping belongs. */
export * from './vfio_iommu_type1.ts';
