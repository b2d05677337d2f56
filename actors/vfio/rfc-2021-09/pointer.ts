import { NULL, type Null } from '../../../machines/object.ts';

export const isNull = (p: { readonly path: string }): p is Null => p === NULL;

/** `p->…` where C has not asked whether `p` is NULL: what is reached through NULL is a finding of its own. */
export const deref = <T extends { readonly path: string }>(p: T | Null): T => p as T;
