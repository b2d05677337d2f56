/** v6.2: devices and KVM. */
export * from './kvm_vfio.ts';
export * from './vfio_main.ts';
