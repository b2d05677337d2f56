/** `interlock/vfio`: VFIO era by era, what kernel code does and the structs on which it does it. */
export * as rfc_2021_09_structs from '../../machines/vfio/rfc-2021-09/index.ts';
export * as v6_6_structs from '../../machines/vfio/v6.6/index.ts';
export * as rfc_2021_09 from './rfc-2021-09/index.ts';
export * as v6_5 from './v6.5/index.ts';
export * as v6_6 from './v6.6/index.ts';
