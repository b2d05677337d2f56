/** The kernel in which a group may be opened more than once, on the structs of v3.12. */
export * from './vfio.ts';
