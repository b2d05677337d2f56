/** The structs of v3.12, and where a scenario begins with them. */
export * from './pci.ts';
export * from './start.ts';
export * from './vfio.ts';
