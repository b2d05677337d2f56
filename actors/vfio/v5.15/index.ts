/** v5.15: what differs from v4.19. */
export * from './kvm_vfio.ts';
