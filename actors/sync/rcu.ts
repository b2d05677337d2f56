/** include/linux/rcupdate.h and srcu.h: the calls on RCU and on a struct srcu_struct, v6.1. C names the former nowhere. */
import { handleAt, type Handle } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { Rcu, Srcu } from '../../machines/sync/rcu.ts';
import { access, again, kfree, loop, type Message, message, type Operation, send } from '../step.ts';
import { load, READ_ONCE, WRITE_ONCE } from './memory.ts';
import { spelled } from './spelling.ts';

type Head = Handle<Field<string>>;
type Entry = { readonly path: string };
/** What a function of this name does with the struct around the rcu_head. */
export type RcuCallbacks = { readonly [func: string]: (object: Entry) => Operation<unknown> };

const reader = { kind: 'acquire', mode: 'shared' } as const;
/** Preemption is off in the read side of RCU, as long as PREEMPT_RCU is not configured; that of SRCU may sleep. */
export const rcu_read_lock = access<Rcu, 'rcu_read_lock'>({ ...reader, atomic: true }, 'rcu_read_lock', { c: 'rcu_read_lock()' });
export const rcu_read_unlock = access<Rcu, 'rcu_read_unlock'>({ kind: 'release', mode: 'shared' }, 'rcu_read_unlock', {
  c: 'rcu_read_unlock()',
});
export const srcu_read_lock = access<Srcu, 'srcu_read_lock'>({ ...reader, sleeps: false }, 'srcu_read_lock');
export const srcu_read_unlock = access<Srcu, 'srcu_read_unlock'>({ kind: 'release', mode: 'shared' }, 'srcu_read_unlock');

/** A pointer that is read and published so needs no lock. */
export const rcu_dereference = READ_ONCE;
export const rcu_assign_pointer = WRITE_ONCE;

const begins = { kind: 'update', stamped: true } as const;
const waits = { kind: 'wait', stamped: true } as const;
const begin_rcu = access<Rcu, 'synchronize_rcu'>(begins, 'synchronize_rcu', { c: 'synchronize_rcu(): begins' });
const end_rcu = access<Rcu, 'wait_for_gp'>(waits, 'wait_for_gp', { c: 'synchronize_rcu(): ends' });
const begin_srcu = access<Srcu, 'synchronize_srcu'>(begins, 'synchronize_srcu', { c: 'synchronize_srcu(&$): begins' });
const end_srcu = access<Srcu, 'wait_for_gp'>(waits, 'wait_for_gp', { c: 'synchronize_srcu(&$): ends' });

export function* synchronize_rcu(rcu: Handle<Rcu>): Operation {
  yield* begin_rcu(rcu);
  yield* end_rcu(rcu);
}

export function* synchronize_srcu(ssp: Handle<Srcu>): Operation {
  yield* begin_srcu(ssp);
  yield* end_srcu(ssp);
}

const storesFunc = (head: Head, func: string): Message =>
  message<Field<string>, 'store'>({ kind: 'write', plain: true }, head, 'store', { value: func });

/** @param func the name under which `rcu_callbacks` finds what to do */
export const call_rcu = (rcu: Handle<Rcu>, head: Head, func: string): Operation =>
  send(
    message<Rcu, 'call_rcu'>('update', rcu, 'call_rcu', { head, func }, { c: `call_rcu(&${spelled(head)}, ${func})` }),
    storesFunc(head, func),
  );

export const call_srcu = (ssp: Handle<Srcu>, head: Head, func: string): Operation =>
  send(
    message<Srcu, 'call_srcu'>('update', ssp, 'call_srcu', { head, func }, { c: `call_srcu(&$, &${spelled(head)}, ${func})` }),
    storesFunc(head, func),
  );

export const kfree_rcu = (rcu: Handle<Rcu>, head: Head): Operation => call_rcu(rcu, head, 'kfree');

const raise_rcu = access<Rcu, 'rcu_barrier'>(begins, 'rcu_barrier', { c: 'rcu_barrier(): begins' });
const raise_srcu = access<Srcu, 'srcu_barrier'>(begins, 'srcu_barrier', { c: 'srcu_barrier(&$): begins' });
const lower = access<Rcu | Srcu, 'wait_for_barrier'>(waits, 'wait_for_barrier', { c: 'the callbacks have run' });

/** Waits for the callbacks that are queued now, not for readers. */
export function* rcu_barrier(rcu: Handle<Rcu>): Operation {
  yield* raise_rcu(rcu);
  yield* lower(rcu);
}

export function* srcu_barrier(ssp: Handle<Srcu>): Operation {
  yield* raise_srcu(ssp);
  yield* lower(ssp);
}

const take = access<Rcu | Srcu, 'rcu_do_batch'>('wait', 'rcu_do_batch', { c: 'rcu_do_batch()' });
const finish = access<Rcu | Srcu, 'callback_done'>('update', 'callback_done', { c: 'rcu_do_batch(): a callback has run' });

/** The daemon that runs what call_rcu() and call_srcu() have queued, each after its grace period. */
export function* rcu_callbacks(rcu: Handle<Rcu> | Handle<Srcu>, callbacks: RcuCallbacks = {}): Operation {
  const known: RcuCallbacks = { kfree, ...callbacks };
  yield* loop(null, function* () {
    const head = (yield* take(rcu)) as Head;
    const func = yield* load(head);
    const callback = known[func];
    if (callback === undefined) throw new RangeError(`no operation is given for the RCU callback "${func}"`);
    yield* callback(handleAt<Entry>(head.path.slice(0, head.path.lastIndexOf('.'))));
    yield* finish(rcu);
    return again(null);
  });
}
