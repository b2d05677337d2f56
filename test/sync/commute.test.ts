/** Where two threads do what the kernel leaves unordered, both orders give the same answers and the same snapshot. */
import test from 'ava';
import type { AnyPart } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import { completion } from '../../machines/sync/completion.ts';
import { idr } from '../../machines/sync/idr.ts';
import { list_head } from '../../machines/sync/list.ts';
import { rcu_state } from '../../machines/sync/rcu.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { wait_queue_head } from '../../machines/sync/wait-queue.ts';
import { workqueue } from '../../machines/sync/work.ts';
import { Subject } from './subject.ts';

type Event = readonly [type: string, ask: object];
const [x, y] = [{ by: 'x' }, { by: 'y' }];
const entry = (at: string) => ({ entry: { at } });

const both: readonly (readonly [what: string, part: () => AnyPart, first: Event, second: Event])[] = [
  ['two increments', () => atomic(0), ['atomic_inc', {}], ['atomic_inc', {}]],
  ['an increment and a decrement', () => atomic(1), ['atomic_inc', {}], ['atomic_dec', {}]],
  ['two gets', () => refcount(1), ['refcount_inc', {}], ['refcount_inc_not_zero', {}]],
  ['two reads', () => refcount(1), ['refcount_read', {}], ['refcount_read', {}]],
  ['two completions', () => completion(), ['complete', {}], ['complete', {}]],
  ['two readers', () => rwsem(), ['down_read', x], ['down_read', y]],
  ['two readers of RCU', () => rcu_state(), ['rcu_read_lock', x], ['rcu_read_lock', y]],
  ['two grace periods', () => rcu_state(), ['synchronize_rcu', x], ['synchronize_rcu', y]],
  ['two who prepare to wait', () => wait_queue_head(), ['prepare_to_wait_event', x], ['prepare_to_wait_event', y]],
  ['two wake-ups', () => wait_queue_head(), ['wake_up', {}], ['wake_up', {}]],
  ['two finds', () => idr({ 0: { at: 'a' } }), ['idr_find', { id: 0 }], ['idr_find', { id: 1 }]],
  ['two removals', () => list_head(['a', 'b', 'c']), ['list_del', entry('a')], ['list_del', entry('c')]],
  ['two frees', () => list_head(['a', 'b', 'c']), ['freed', entry('c')], ['freed', entry('a')]],
  ['a free and a look', () => list_head(['a', 'b']), ['freed', entry('a')], ['list_first_entry', {}]],
  ['two flushes', () => workqueue(), ['flush_workqueue', x], ['flush_workqueue', y]],
];

for (const [what, part, first, second] of both)
  test(`${what} commute`, (t) => {
    const [forth, back] = [new Subject(part()), new Subject(part())];
    const [a, b] = [forth.say(...first), forth.say(...second)];
    const [d, c] = [back.say(...second), back.say(...first)];
    t.deepEqual([a, b], [c, d]);
    t.is(JSON.stringify([forth.state, forth.context]), JSON.stringify([back.state, back.context]));
  });

const ordered: readonly (readonly [what: string, part: () => AnyPart, first: Event, second: Event])[] = [
  ['an addition at the end and one at the end', () => list_head(), ['list_add_tail', entry('a')], ['list_add_tail', entry('b')]],
  ['a last put and a get', () => refcount(1), ['refcount_dec_and_test', {}], ['refcount_inc_not_zero', {}]],
  ['a reader and a grace period', () => rcu_state(), ['rcu_read_lock', x], ['synchronize_rcu', y]],
  ['a wake-up and a task that prepares', () => wait_queue_head(), ['wake_up', {}], ['prepare_to_wait_event', x]],
];

for (const [what, part, first, second] of ordered)
  test(`${what} do not`, (t) => {
    const [forth, back] = [new Subject(part()), new Subject(part())];
    const a = [forth.say(...first), forth.say(...second)];
    const b = [back.say(...second), back.say(...first)].toReversed();
    t.notDeepEqual([a, forth.state, forth.context], [b, back.state, back.context]);
  });
