/** What the lock debugging of the kernel says (kernel/locking/lockdep.c, v6.1) where a lock itself can tell. */
import { splat } from '../object.ts';

export const badUnlock = splat({
  kind: 'unlock-imbalance',
  text: 'it is unlocked by a thread that does not hold it',
  prints: 'WARNING: bad unlock balance detected!',
});

/** debug_check_no_locks_freed() looks at the locks of the task that frees. */
export const heldLockFreed = splat({ kind: 'warn', text: 'it is freed while it is held', prints: 'WARNING: held lock freed!' });
/** Which the kernel notices only when the holder touches the lock again. */
export const freedUnderHolder = splat({ kind: 'warn', text: 'it is freed while another thread holds it', prints: null });
