/** The external user of v4.13, on the structs of v3.12. */
export * from './vfio.ts';
