/** v5.8: the migration region. */
export * from './migration_region.ts';
