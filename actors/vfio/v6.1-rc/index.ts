export * from './vfio_main.ts';
