import { type Handle, NULL, type Null } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { Operation } from '../step.ts';
import { load } from '../sync/memory.ts';

export const isNull = (p: { readonly path: string }): p is Null => p === NULL;

/**
 * `p->…` where C does not ask whether `p` is NULL: what is reached through NULL is a finding of its own. It is no function
 * of the kernel, and stands on no stack.
 */
export const follow = <T extends { readonly path: string }>(p: Handle<Field<T | Null>>): Operation<T> => load(p) as Operation<T>;
