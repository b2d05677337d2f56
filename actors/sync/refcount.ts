/** include/linux/refcount.h: the calls on a refcount_t. */
import type { Refcount } from '../../machines/sync/refcount.ts';
import { access } from '../step.ts';

export const refcount_read = access<Refcount, 'refcount_read'>('read', 'refcount_read');
const set = access<Refcount, 'refcount_set'>('write', 'refcount_set');
export const refcount_set = (r: Parameters<typeof set>[0], n: number) => set(r, { n });
export const refcount_inc = access<Refcount, 'refcount_inc'>('get', 'refcount_inc');
export const refcount_inc_not_zero = access<Refcount, 'refcount_inc_not_zero'>('get', 'refcount_inc_not_zero');
export const refcount_dec = access<Refcount, 'refcount_dec'>('put', 'refcount_dec');
export const refcount_dec_and_test = access<Refcount, 'refcount_dec_and_test'>('put', 'refcount_dec_and_test');
