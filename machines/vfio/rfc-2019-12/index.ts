/** The structs of the mediate ops, and where a scenario begins with them. */
export * from './migration.ts';
export * from './pci.ts';
export * from './start.ts';
