/** What the lock debugging of the kernel says (kernel/locking/lockdep.c, v6.1) where a lock itself can tell. */
import { splat } from '../object.ts';

export const badUnlock = splat({
  kind: 'unlock-imbalance',
  text: 'it is unlocked by a thread that does not hold it',
  prints: 'WARNING: bad unlock balance detected!',
});

export const heldLockFreed = splat({ kind: 'warn', text: 'it is freed while it is held', prints: 'WARNING: held lock freed!' });
