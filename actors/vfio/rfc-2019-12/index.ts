/** The mediate ops of December 2019: what user space and providers call, and the designs that are compared. */
export * from './held.ts';
export * from './i40e_vf_migration.ts';
export * from './igd_dt.ts';
export * from './mediate_ops.ts';
export * from './migration_region.ts';
export * from './posted.ts';
export * from './qemu_migration.ts';
export * from './vfio.ts';
export * from './vfio_pci.ts';
