/**
 * Generated programs that race, or are kept from it: plain and marked accesses to fields, and whatever orders them. Locks
 * that are tried for, atomics with and without a value, references, completions, pointers that are published, readers of
 * RCU, memory that is freed under others. What a step replies may let the next one out.
 */
import * as fc from 'fast-check';
import { kfree, type Operation, WARN_ON } from '../../actors/step.ts';
import { atomic_cmpxchg, atomic_dec_and_test, atomic_inc, atomic_inc_return, atomic_set } from '../../actors/sync/atomic.ts';
import {
  complete,
  complete_all,
  reinit_completion,
  try_wait_for_completion,
  wait_for_completion,
} from '../../actors/sync/completion.ts';
import { load, READ_ONCE, smp_load_acquire, smp_store_release, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import {
  call_rcu,
  rcu_assign_pointer,
  rcu_callbacks,
  rcu_dereference,
  rcu_read_lock,
  rcu_read_unlock,
  synchronize_rcu,
} from '../../actors/sync/rcu.ts';
import { refcount_dec_and_test, refcount_dec_not_one, refcount_inc_not_zero, refcount_set } from '../../actors/sync/refcount.ts';
import { type HandleTo, NULL, struct } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rcu_head, rcu_state } from '../../machines/sync/rcu.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { call, daemon, type Variant, variant } from '../../src/index.ts';

const target = struct('target', { x: field<number>(0) });
interface Target extends HandleTo<typeof target> {}

const shared = struct('shared', {
  x: field<number>(0),
  y: field<number>(0),
  flag: field<number>(0),
  m: mutex(),
  n: atomic(0),
  r: refcount(2),
  done: completion(),
  p: pointer<Target>(),
  rcu: rcu_state(),
  head: rcu_head(),
});
interface Shared extends HandleTo<typeof shared> {}

type Act = (s: Shared, t: Target) => Operation<unknown>;

/** Through the pointer, if there is one: what it leads to was perhaps not published when it was made. */
const through = (read: typeof load): Act =>
  function* ({ p }) {
    const to = yield* read(p);
    return to === NULL ? 0 : yield* load((to as Target).x);
  };

const acts = {
  'x = 1': ({ x }) => store(x, 1),
  'r = x': ({ x }) => load(x),
  'y = 1': ({ y }) => store(y, 1),
  'r = y': ({ y }) => load(y),
  'WRITE_ONCE(x)': ({ x }) => WRITE_ONCE(x, 1),
  'READ_ONCE(x)': ({ x }) => READ_ONCE(x),
  'flag = 1': ({ flag }) => store(flag, 1),
  'WRITE_ONCE(flag)': ({ flag }) => WRITE_ONCE(flag, 1),
  'READ_ONCE(flag)': ({ flag }) => READ_ONCE(flag),
  release: ({ flag }) => smp_store_release(flag, 1),
  'release 2': ({ flag }) => smp_store_release(flag, 2),
  acquire: ({ flag }) => smp_load_acquire(flag),
  lock: ({ m }) => mutex_lock(m),
  unlock: ({ m }) => mutex_unlock(m),
  trylock: ({ m }) => mutex_trylock(m),
  inc: ({ n }) => atomic_inc(n),
  inc_return: ({ n }) => atomic_inc_return(n),
  dec_and_test: ({ n }) => atomic_dec_and_test(n),
  cmpxchg: ({ n }) => atomic_cmpxchg(n, 0, 1),
  set: ({ n }) => atomic_set(n, 0),
  put: ({ r }) => refcount_dec_and_test(r),
  'put unless one': ({ r }) => refcount_dec_not_one(r),
  get: ({ r }) => refcount_inc_not_zero(r),
  'set the count': ({ r }) => refcount_set(r, 1),
  complete: ({ done }) => complete(done),
  complete_all: ({ done }) => complete_all(done),
  wait: ({ done }) => wait_for_completion(done),
  'try to wait': ({ done }) => try_wait_for_completion(done),
  reinit: ({ done }) => reinit_completion(done),
  'target = 1': (_, t) => store(t.x, 1),
  publish: ({ p }, t) => rcu_assign_pointer(p, t),
  'publish plainly': ({ p }, t) => store(p, t),
  dereference: through(rcu_dereference),
  'dereference plainly': through(load),
  'read side': function* ({ rcu, x }) {
    yield* rcu_read_lock(rcu);
    yield* load(x);
    yield* rcu_read_unlock(rcu);
  },
  'enter a read side': ({ rcu }) => rcu_read_lock(rcu),
  'leave a read side': ({ rcu }) => rcu_read_unlock(rcu),
  synchronize: ({ rcu }) => synchronize_rcu(rcu),
  call_rcu: ({ rcu, head }) => call_rcu(rcu, head, 'reads'),
  free: (_, t) => kfree(t),
  warn: () => WARN_ON(true, 'warn'),
} satisfies { readonly [name: string]: Act };

export type Word = keyof typeof acts;
export interface Racing {
  readonly threads: readonly (readonly Word[])[];
}

/** The daemon that runs callbacks goes round for ever: to look ahead of it takes long, so it comes in one shape alone. */
const weights: Partial<Record<Word, number>> = {
  'x = 1': 8,
  'r = x': 8,
  'target = 1': 3,
  publish: 3,
  dereference: 3,
  call_rcu: 0,
};
const word: fc.Arbitrary<Word> = fc.oneof(
  ...(Object.keys(acts) as Word[]).map((name) => ({ weight: weights[name] ?? 2, arbitrary: fc.constant(name) })),
);
const thread = (longest: number) => fc.array(word, { minLength: 1, maxLength: longest });

/** Shapes that a heap of steps seldom has: a message from one thread to another by way of all that may order it. */
const handed: readonly (readonly [give: readonly Word[], take: readonly Word[]])[] = [
  [
    ['lock', 'unlock'],
    ['lock', 'unlock'],
  ],
  [['WRITE_ONCE(flag)'], ['READ_ONCE(flag)']],
  [['release'], ['acquire']],
  [['release', 'WRITE_ONCE(flag)'], ['acquire']],
  [['release'], ['release 2', 'acquire']],
  [['inc_return'], ['inc_return']],
  [
    ['inc_return', 'inc'],
    ['inc', 'inc_return'],
  ],
  [['cmpxchg'], ['cmpxchg']],
  [['inc_return', 'set'], ['dec_and_test']],
  [['put'], ['put']],
  [['put unless one'], ['put']],
  [['get'], ['put']],
  [['complete'], ['wait']],
  [['complete_all', 'complete_all'], ['wait']],
  [['complete'], ['try to wait']],
  [['complete', 'reinit'], ['wait']],
  [['leave a read side'], ['synchronize']],
  [['synchronize'], ['enter a read side']],
  [['call_rcu'], []],
];
/** What each rule is needed for, whole. */
const telling: readonly (readonly (readonly Word[])[])[] = [
  [['target = 1', 'publish'], ['dereference']],
  [['target = 1', 'publish plainly'], ['dereference']],
  [['target = 1', 'publish'], ['dereference plainly']],
  [
    ['x = 1', 'publish'],
    ['dereference', 'r = x'],
  ],
  [
    ['enter a read side', 'x = 1', 'leave a read side', 'WRITE_ONCE(flag)'],
    ['READ_ONCE(flag)', 'enter a read side', 'r = x'],
  ],
  [['x = 1', 'WRITE_ONCE(flag)', 'complete_all'], ['READ_ONCE(flag)', 'wait', 'r = x'], ['complete_all']],
  [
    ['x = 1', 'release', 'WRITE_ONCE(flag)'],
    ['acquire', 'r = x'],
  ],
  [['free', 'target = 1'], ['target = 1']],
  [
    ['x = 1', 'inc_return', 'WRITE_ONCE(flag)'],
    ['READ_ONCE(flag)', 'inc', 'inc_return', 'r = x'],
  ],
];
const told: fc.Arbitrary<readonly (readonly Word[])[]> = fc
  .tuple(fc.constantFrom(...telling), fc.option(word))
  .map(([threads, more]) => (more === null ? threads : [...threads, [more]]));
const passing: fc.Arbitrary<readonly (readonly Word[])[]> = fc
  .tuple(fc.constantFrom(...handed), fc.constantFrom<Word>('x = 1', 'r = x'), fc.constantFrom<Word>('x = 1', 'r = x'), thread(2))
  .map(([[give, take], before, after, other]) => [[before, ...give], [...take, after], other]);

export const racing: fc.Arbitrary<Racing> = fc.record({
  threads: fc.oneof(
    { weight: 2, arbitrary: fc.tuple(thread(5), thread(5)) },
    { weight: 2, arbitrary: fc.tuple(thread(3), thread(3), thread(2)) },
    { weight: 4, arbitrary: passing },
    { weight: 1, arbitrary: told },
  ),
});

function* play(s: Shared, t: Target, words: readonly Word[]): Operation {
  for (let pc = 0; pc < words.length; pc++) {
    const reply = yield* acts[words[pc] as Word](s, t);
    if (reply === 0 || reply === false) pc++;
  }
}

export const racingVariant = ({ threads }: Racing): Variant =>
  variant({
    objects: { s: shared, t: target },
    threads: ({ s, t }) => ({
      ...Object.fromEntries(threads.map((words, i) => [`t${i}`, [call(play, s, t, words)]])),
      ...(threads.some((words) => words.includes('call_rcu'))
        ? { callbacks: daemon([call(rcu_callbacks, s.rcu, { reads: () => load(s.x) })]) }
        : {}),
    }),
    races: true,
    expect: [],
  });
