/** v3.13: hot resets, and KVM as an external user. */
export * from './kvm_vfio.ts';
export * from './vfio.ts';
export * from './vfio_pci.ts';
