/** The structs of the RFC, and where a scenario begins with them. */
export * from './start.ts';
export * from './vfio.ts';
