export * from './vfio_mdev.ts';
