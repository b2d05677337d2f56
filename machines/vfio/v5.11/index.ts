/** The structs of v5.11. */
export * from './vfio_ap.ts';
