/** v3.18: what differs from v3.17. */
export * from './vfio_pci.ts';
