import type { HandleOf, Pool, Struct } from '../../../machines/object.ts';

/** What `threads` is given for the objects of a variant. */
export type HandlesOf<O> = {
  readonly [K in keyof O]: O[K] extends Struct<infer T> ? HandleOf<T> : O[K] extends Pool<infer T> ? HandleOf<T> : never;
};
