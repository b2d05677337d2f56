/** v4.19: VFIO, type1, KVM and mediated devices. */
export * from './kvm_main.ts';
export * from './kvm_vfio.ts';
export * from './kvmgt-cache.ts';
export * from './kvmgt.ts';
export * from './mdev_core.ts';
export * from './mdev_ops.ts';
export * from './mdev_sysfs.ts';
export * from './ops.ts';
export * from './vfio.ts';
export * from './vfio-fops.ts';
export * from './vfio-notifier.ts';
export * from './vfio-objects.ts';
export * from './vfio_iommu_type1.ts';
export * from './vfio_iommu_type1-dma.ts';
export * from './vfio_iommu_type1-ops.ts';
export * from './vfio_iommu_type1-pages.ts';
