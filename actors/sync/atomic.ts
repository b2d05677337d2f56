/** include/linux/atomic/atomic-instrumented.h: the calls on an atomic_t. All are marked accesses: none is a data race. */
import type { Handle } from '../../machines/object.ts';
import type { Atomic } from '../../machines/sync/atomic.ts';
import { access, message, type Operation, send } from '../step.ts';

export const atomic_read = access<Atomic, 'atomic_read'>('read', 'atomic_read');
export const atomic_inc = access<Atomic, 'atomic_inc'>('update', 'atomic_inc');
export const atomic_dec = access<Atomic, 'atomic_dec'>('update', 'atomic_dec');
export const atomic_inc_return = access<Atomic, 'atomic_inc_return'>('update', 'atomic_inc_return');
export const atomic_dec_return = access<Atomic, 'atomic_dec_return'>('update', 'atomic_dec_return');
export const atomic_dec_and_test = access<Atomic, 'atomic_dec_and_test'>('update', 'atomic_dec_and_test');
export const atomic_inc_not_zero = access<Atomic, 'atomic_inc_not_zero'>('update', 'atomic_inc_not_zero');

/** @returns the old value less 1, also where that is negative and the counter was left alone */
export const atomic_dec_if_positive = access<Atomic, 'atomic_dec_if_positive'>('update', 'atomic_dec_if_positive');

export const atomic_set = (v: Handle<Atomic>, n: number): Operation =>
  send(message<Atomic, 'atomic_set'>('write', v, 'atomic_set', { n }, { c: `atomic_set(&$, ${n})` }));

export const atomic_sub_return = (n: number, v: Handle<Atomic>): Operation<number> =>
  send<number>(
    message<Atomic, 'atomic_sub_return'>('update', v, 'atomic_sub_return', { n }, { c: `atomic_sub_return(${n}, &$)` }),
  );

/** @returns whether it was added */
export const atomic_add_unless = (v: Handle<Atomic>, n: number, unless: number): Operation<boolean> =>
  send<boolean>(
    message<Atomic, 'atomic_add_unless'>(
      'update',
      v,
      'atomic_add_unless',
      { n, unless },
      { c: `atomic_add_unless(&$, ${n}, ${unless})` },
    ),
  );

/** @returns the value that was found: it was exchanged if that is `old` */
export const atomic_cmpxchg = (v: Handle<Atomic>, old: number, to: number): Operation<number> =>
  send<number>(
    message<Atomic, 'atomic_cmpxchg'>(
      'update',
      v,
      'atomic_cmpxchg',
      { old, new: to },
      { c: `atomic_cmpxchg(&$, ${old}, ${to})` },
    ),
  );

/** @returns the value that was found */
export const atomic_xchg = (v: Handle<Atomic>, to: number): Operation<number> =>
  send<number>(message<Atomic, 'atomic_xchg'>('update', v, 'atomic_xchg', { new: to }, { c: `atomic_xchg(&$, ${to})` }));
