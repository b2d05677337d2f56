export * from './vfio_iommu_type1.ts';
export * from './kvmgt.ts';
