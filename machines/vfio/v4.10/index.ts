/** The structs of v4.10. */
export * from './mdev.ts';
export * from './mtty.ts';
