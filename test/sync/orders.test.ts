/**
 * What the primitives order, as the documents of the kernel say: whoever writes and then gives is, or is not, before whoever
 * takes and then reads (Documentation/atomic_t.txt, core-api/refcount-vs-atomic.rst, memory-barriers.txt).
 */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import {
  atomic_cmpxchg,
  atomic_dec_if_positive,
  atomic_dec_return,
  atomic_inc,
  atomic_inc_not_zero,
  atomic_inc_return,
  atomic_read,
  atomic_set,
  atomic_xchg,
} from '../../actors/sync/atomic.ts';
import { complete, completion_done, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, READ_ONCE, smp_load_acquire, smp_store_release, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { refcount_dec_and_test, refcount_dec_not_one, refcount_inc_not_zero, refcount_set } from '../../actors/sync/refcount.ts';
import { kthread, wake_up_process } from '../../actors/sync/task.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { task_struct } from '../../machines/sync/task.ts';
import { call, variant } from '../../src/index.ts';
import { traced } from '../helpers/traced.ts';

const box = struct('box', {
  data: field<number>(0),
  flag: field<number>(0),
  n: atomic(0),
  two: refcount(2),
  none: refcount(0),
  done: completion(),
  task: task_struct(),
});
type Box = HandleTo<typeof box>;
type Give = (it: Box) => Operation<unknown>;
/** @returns whether it was given */
type Take = (it: Box) => Operation<boolean>;

const reads = <R>(take: (it: Box) => Operation<R>, isGiven: (reply: R) => boolean): Take =>
  function* (it) {
    return isGiven(yield* take(it));
  };
const last = reads(({ two }: Box) => refcount_dec_and_test(two), Boolean);

const cases: readonly (readonly [what: string, give: Give, take: Take, orders: boolean])[] = [
  [
    'WRITE_ONCE() and READ_ONCE()',
    ({ flag }) => WRITE_ONCE(flag, 1),
    reads(
      ({ flag }) => READ_ONCE(flag),
      (x) => x === 1,
    ),
    false,
  ],
  [
    'a release and READ_ONCE()',
    ({ flag }) => smp_store_release(flag, 1),
    reads(
      ({ flag }) => READ_ONCE(flag),
      (x) => x === 1,
    ),
    false,
  ],
  [
    'WRITE_ONCE() and an acquire',
    ({ flag }) => WRITE_ONCE(flag, 1),
    reads(
      ({ flag }) => smp_load_acquire(flag),
      (x) => x === 1,
    ),
    false,
  ],
  [
    'a release and an acquire',
    ({ flag }) => smp_store_release(flag, 1),
    reads(
      ({ flag }) => smp_load_acquire(flag),
      (x) => x === 1,
    ),
    true,
  ],
  [
    'a release that was stored over, and an acquire',
    function* ({ flag }) {
      yield* smp_store_release(flag, 1);
      yield* WRITE_ONCE(flag, 2);
    },
    reads(
      ({ flag }) => smp_load_acquire(flag),
      (x) => x === 2,
    ),
    false,
  ],
  [
    'atomic_inc() and atomic_read()',
    ({ n }) => atomic_inc(n),
    reads(
      ({ n }) => atomic_read(n),
      (x) => x > 0,
    ),
    false,
  ],
  [
    'atomic_inc() and atomic_dec_return()',
    ({ n }) => atomic_inc(n),
    reads(
      ({ n }) => atomic_dec_return(n),
      (x) => x >= 0,
    ),
    false,
  ],
  [
    'atomic_inc_return() and atomic_read()',
    ({ n }) => atomic_inc_return(n),
    reads(
      ({ n }) => atomic_read(n),
      (x) => x > 0,
    ),
    false,
  ],
  [
    'two that return a value',
    ({ n }) => atomic_inc_return(n),
    reads(
      ({ n }) => atomic_dec_return(n),
      (x) => x >= 0,
    ),
    true,
  ],
  [
    'atomic_xchg() and an exchange that succeeds',
    ({ n }) => atomic_xchg(n, 1),
    reads(
      ({ n }) => atomic_cmpxchg(n, 1, 2),
      (x) => x === 1,
    ),
    true,
  ],
  [
    'atomic_xchg() and an exchange that fails',
    ({ n }) => atomic_xchg(n, 1),
    reads(
      ({ n }) => atomic_cmpxchg(n, 5, 2),
      (x) => x === 1,
    ),
    false,
  ],
  [
    'atomic_xchg() and atomic_inc_not_zero()',
    ({ n }) => atomic_xchg(n, 1),
    reads(({ n }) => atomic_inc_not_zero(n), Boolean),
    true,
  ],
  [
    'atomic_xchg() and atomic_dec_if_positive()',
    ({ n }) => atomic_xchg(n, 1),
    reads(
      ({ n }) => atomic_dec_if_positive(n),
      (x) => x >= 0,
    ),
    true,
  ],
  [
    'atomic_set() and atomic_inc_not_zero()',
    ({ n }) => atomic_set(n, 1),
    reads(({ n }) => atomic_inc_not_zero(n), Boolean),
    false,
  ],
  ['a put and the last put', ({ two }) => refcount_dec_and_test(two), last, true],
  ['a put that is not the last, by refcount_dec_not_one()', ({ two }) => refcount_dec_not_one(two), last, true],
  [
    'refcount_set() and refcount_inc_not_zero()',
    ({ none }) => refcount_set(none, 1),
    reads(({ none }) => refcount_inc_not_zero(none), Boolean),
    false,
  ],
  [
    'complete() and wait_for_completion()',
    ({ done }) => complete(done),
    reads(
      ({ done }) => wait_for_completion(done),
      () => true,
    ),
    true,
  ],
  ['complete() and completion_done()', ({ done }) => complete(done), reads(({ done }) => completion_done(done), Boolean), true],
];

for (const [what, give, take, orders] of cases)
  test(`${what}: ${orders ? 'ordered' : 'a race'}`, (t) => {
    const design = variant({
      objects: { box },
      threads: (o) => ({
        gives: [
          call(function* (it: Box) {
            yield* store(it.data, 1);
            yield* give(it);
          }, o.box),
        ],
        takes: [
          call(function* (it: Box) {
            if (yield* take(it)) yield* load(it.data);
          }, o.box),
        ],
      }),
      expect: [],
    });
    t.is(traced(design).races.length > 0, !orders);
  });

test('who wakes a kernel thread for the first time is before all that it does', (t) => {
  const design = variant({
    objects: { box },
    threads: (o) => ({
      creates: [
        call(function* (it: Box) {
          yield* store(it.data, 1);
          yield* wake_up_process(it.task);
        }, o.box),
      ],
      runs: [call((it: Box) => kthread(it.task, () => load(it.data)), o.box)],
    }),
    expect: [],
  });
  t.deepEqual(traced(design).races, []);
});
