export * from './kvmgt.ts';
export * from './type1.ts';
export * from './vfio.ts';
