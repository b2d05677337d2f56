/** v6.12: migration, and mappings of device memory. */
export * from './mlx5_main.ts';
export * from './vfio_main.ts';
export * from './vfio_pci_core.ts';
