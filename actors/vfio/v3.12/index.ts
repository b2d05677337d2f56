/** The kernel of the external user: what a scenario calls, and what it puts in the place of drivers. */
export * from './dd.ts';
export * from './iommu.ts';
export * from './ops.ts';
export * from './vfio-fops.ts';
export * from './vfio-notifier.ts';
export * from './vfio-objects.ts';
export * from './vfio.ts';
export * from './vfio_pci.ts';
