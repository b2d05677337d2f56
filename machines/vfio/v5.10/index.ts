/** The structs of v5.10 that differ from v4.19. */
export * from './mdev.ts';
