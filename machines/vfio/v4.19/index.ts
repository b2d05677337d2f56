/** The structs of v4.19. */
export * from './container.ts';
export * from './type1.ts';
