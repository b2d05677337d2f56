/** The structs of v6.1. */
export * from './kvmgt.ts';
export * from './mdev.ts';
export * from './type1.ts';
export * from './vfio.ts';
