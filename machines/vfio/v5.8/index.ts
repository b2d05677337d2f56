/** The structs of v5.8. */
export * from './migration.ts';
