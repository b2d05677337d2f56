/** For machines that keep the names of threads: locks, because the kernel branches on the owner, and queues of waiters. */

/** The thread that does it, as the checker has stamped the event. */
export const stamp = (event: object): string => ('by' in event ? String(event.by) : '');

/** In the order of the alphabet, so that it does not matter who came first. */
export const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
