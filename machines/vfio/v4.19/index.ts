/** The structs of v4.19, and where a scenario begins with them. */
export * from './kvm.ts';
export * from './kvmgt.ts';
export * from './mdev.ts';
export * from './type1.ts';
export * from './vfio.ts';
