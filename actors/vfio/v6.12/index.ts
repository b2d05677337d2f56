export * from './mlx5_main.ts';
export * from './vfio_main.ts';
