/** The structs of v6.12 that differ from v6.6. */
export * from './migration.ts';
export * from './pci.ts';
