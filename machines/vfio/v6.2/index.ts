/** The structs of v6.2. */
export * from './vfio.ts';
