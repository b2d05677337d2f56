/** struct kref (include/linux/kref.h, v6.1): a refcount_t that starts with the reference of whoever makes the object. */
import { refcount, type Refcount } from './refcount.ts';

export type Kref = Refcount;

export const kref = (n = 1) => refcount(n);
