/** v4.13: the external user, on the structs of v3.12; what is passed on to a back end, on those of v4.19. */
export * from './vfio.ts';
export * from './vfio-container.ts';
