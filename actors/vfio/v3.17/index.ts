/** v3.17: how devices of a slot are reset and disabled. */
export * from './vfio_pci.ts';
