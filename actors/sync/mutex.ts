/** include/linux/mutex.h: the calls on a struct mutex. */
import type { Mutex } from '../../machines/sync/mutex.ts';
import { access } from '../step.ts';

export const mutex_lock = access<Mutex, 'mutex_lock'>('acquire', 'mutex_lock');
export const mutex_unlock = access<Mutex, 'mutex_unlock'>('release', 'mutex_unlock');
export const mutex_trylock = access<Mutex, 'mutex_trylock'>({ kind: 'acquire', try: true }, 'mutex_trylock');
