/** The structs of v6.6, and where a scenario begins with them. */
export * from './pci.ts';
export * from './start.ts';
export * from './vfio.ts';
