/**
 * A counter that N threads raise twice each under a lock. Before they take it, each says so in a flag of its own, and
 * takes that back when it is done: steps that touch what nobody else does, which a search has to recognise as such.
 *
 *   interlock check bench/guarded-counter.ts --variant n7
 */
import { call, defineScenario, type Variant, variant } from '../src/index.ts';
import {
  type Field,
  field,
  globals,
  type Handle,
  type HandleTo,
  load,
  mutex,
  mutex_lock,
  mutex_unlock,
  type Operation,
  store,
  WRITE_ONCE,
} from '../actors/primitives.ts';

const counter = globals('counter', { lock: mutex(), x: field<number>(0) });

function* raise({ lock, x }: HandleTo<typeof counter>, wants: Handle<Field<number>>): Operation {
  yield* WRITE_ONCE(wants, 1);
  yield* mutex_lock(lock);
  const t = yield* load(x);
  yield* store(x, t + 1);
  yield* mutex_unlock(lock);
  yield* WRITE_ONCE(wants, 0);
}

const ROUNDS = 2;

/** What a thread has read is forgotten when its call returns. */
export function guardedCounter(threads: number): Variant {
  const names = Array.from({ length: threads }, (_, i) => `t${i}`);
  const flags = globals('flags', Object.fromEntries(names.map((name) => [name, field<number>(0)])));
  return variant({
    summary: `${threads} threads, ${ROUNDS} rounds each`,
    objects: { counter, flags },
    threads: (o) =>
      Object.fromEntries(
        names.map((name) => {
          const wants = o.flags[name] as Handle<Field<number>>;
          return [name, Array.from({ length: ROUNDS }, () => call(raise, o.counter, wants))];
        }),
      ),
    atEnd: { 'no update is lost': ({ counter: { x } }) => x.value === ROUNDS * threads },
    expect: [],
  });
}

export default defineScenario({
  name: 'guarded-counter',
  summary: 'Threads raise a counter under a lock',
  source: 'a benchmark',
  covers: [],
  tags: ['bench'],
  variants: Object.fromEntries([3, 5, 7, 9].map((threads) => [`n${threads}`, guardedCounter(threads)])),
});
