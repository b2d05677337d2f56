/**
 * include/linux/atomic/atomic-instrumented.h: the calls on an atomic_t. All are marked accesses: none is a data race.
 *
 * What they order is the rule of thumb of Documentation/atomic_t.txt: those that read and write and return a value are
 * fully ordered, the conditional ones only where they succeed, and all others order nothing.
 */
import type { Handle } from '../../machines/object.ts';
import { type Atomic, most as MOST } from '../../machines/sync/atomic.ts';
import { access, type Meaning, message, type Operation, send } from '../step.ts';

const ordered: Meaning = { kind: 'update', orders: 'both' };
const orderedIfDone: Meaning = { kind: 'update', orders: { true: 'both' } };

export const atomic_read = access<Atomic, 'atomic_read'>('read', 'atomic_read');
export const atomic_inc = access<Atomic, 'atomic_inc'>('update', 'atomic_inc');
export const atomic_dec = access<Atomic, 'atomic_dec'>('update', 'atomic_dec');
export const atomic_inc_return = access<Atomic, 'atomic_inc_return'>(ordered, 'atomic_inc_return');
export const atomic_dec_return = access<Atomic, 'atomic_dec_return'>(ordered, 'atomic_dec_return');
export const atomic_dec_and_test = access<Atomic, 'atomic_dec_and_test'>(ordered, 'atomic_dec_and_test');
export const atomic_inc_not_zero = access<Atomic, 'atomic_inc_not_zero'>(orderedIfDone, 'atomic_inc_not_zero');

/** @returns the old value less 1, also where that is negative and the counter was left alone */
export const atomic_dec_if_positive = access<Atomic, 'atomic_dec_if_positive'>(
  { kind: 'update', orders: Object.fromEntries(Array.from({ length: MOST }, (_, n) => [n, 'both'])) },
  'atomic_dec_if_positive',
);

export const atomic_set = (v: Handle<Atomic>, n: number): Operation =>
  send(message<Atomic, 'atomic_set'>('write', v, 'atomic_set', { n }, { c: `atomic_set(&$, ${n})` }));

export const atomic_sub_return = (n: number, v: Handle<Atomic>): Operation<number> =>
  send<number>(
    message<Atomic, 'atomic_sub_return'>(ordered, v, 'atomic_sub_return', { n }, { c: `atomic_sub_return(${n}, &$)` }),
  );

/** @returns whether it was added */
export const atomic_add_unless = (v: Handle<Atomic>, n: number, unless: number): Operation<boolean> =>
  send<boolean>(
    message<Atomic, 'atomic_add_unless'>(
      orderedIfDone,
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
      { kind: 'update', orders: { [old]: 'both' } },
      v,
      'atomic_cmpxchg',
      { old, new: to },
      { c: `atomic_cmpxchg(&$, ${old}, ${to})` },
    ),
  );

/** @returns the value that was found */
export const atomic_xchg = (v: Handle<Atomic>, to: number): Operation<number> =>
  send<number>(message<Atomic, 'atomic_xchg'>(ordered, v, 'atomic_xchg', { new: to }, { c: `atomic_xchg(&$, ${to})` }));
