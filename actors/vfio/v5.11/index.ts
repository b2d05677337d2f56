/** v5.11: vfio_ap, a driver that is told of KVM. */
export * from './vfio_ap_ops.ts';
