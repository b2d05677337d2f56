/**
 * Generated programs over generated machines: each effect depends on two fields, events wait, complain and stop their
 * thread, steps speak to two objects at once or offer two ways, locks are taken in any order, memory is freed under others.
 */
import { fc } from '@fast-check/ava';
import { choose, kfree, type Meaning, type Message, message, type Operation, oneOf, send, WARN_ON } from '../../actors/step.ts';
import { load, READ_ONCE, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type Handle, type HandleTo, part, type Protocol, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { type Fields, machineOf, type Table, tables } from './random-machines.ts';

const VALUES = 4;
const EVENTS = 3;

const objectOf = (object: number, rows: Table) =>
  struct(`o${object}`, {
    m: part<Protocol, Fields>(machineOf(object, rows) as never, { low: 0, high: 0 }),
    lock: mutex(),
    f: field<number>(0),
  });
type Random = HandleTo<ReturnType<typeof objectOf>>;

export interface Say {
  readonly object: number;
  readonly event: number;
  /** Something is said to the other object in the same step. */
  readonly also: number | null;
  readonly means: 'update' | 'write' | 'acquire' | 'release';
}
export type Instruction =
  | { readonly do: 'say'; readonly ways: readonly [Say] | readonly [Say, Say] }
  | { readonly do: 'choose' }
  | { readonly do: 'free' | 'lock' | 'unlock' | 'trylock' | 'read' | 'marked'; readonly object: number }
  | { readonly do: 'write'; readonly object: number; readonly value: number }
  | { readonly do: 'warn'; readonly text: string };

export interface Generated {
  readonly tables: readonly [Table, Table];
  readonly threads: readonly (readonly Instruction[])[];
}

const table = tables({ values: VALUES, events: EVENTS, quiet: 12, goesOn: 3 });
const object = fc.nat(1);
const say: fc.Arbitrary<Say> = fc.record({
  object,
  event: fc.nat(EVENTS - 1),
  also: fc.option(fc.nat(EVENTS - 1), { freq: 2 }),
  means: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('update' as const, 'write' as const) },
    { weight: 1, arbitrary: fc.constantFrom('acquire' as const, 'release' as const) },
  ),
});
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('say' as const), ways: fc.tuple(say) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('say' as const), ways: fc.tuple(say, say) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('choose' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('free' as const), object }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('lock' as const, 'unlock' as const, 'trylock' as const), object }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('read' as const, 'marked' as const), object }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const), object, value: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('warn' as const), text: fc.constantFrom('a', 'b') }) },
);

export const generated = (maxThreads: number, maxSteps: number): fc.Arbitrary<Generated> =>
  fc.record({
    tables: fc.tuple(table, table),
    threads: fc.array(fc.array(instruction, { minLength: 1, maxLength: maxSteps }), { minLength: 2, maxLength: maxThreads }),
  });

const messagesOf = (objects: readonly Random[], { object: index, event, also, means }: Say): readonly [Message, ...Message[]] => {
  const at = (i: number) => objects[i]?.m as Handle<Protocol>;
  const first = message(means as Meaning['kind'], at(index), `e${event}`);
  return also === null ? [first] : [first, message('update', at(1 - index), `e${also}`)];
};

/** @returns 1 where the next instruction is to be left out */
function* obey(objects: readonly Random[], now: Instruction): Operation<unknown> {
  if (now.do === 'choose') return (yield* choose('it', 'a', 'b')) === 'b' ? 1 : 0;
  if (now.do === 'warn') return yield* WARN_ON(true, now.text);
  if (now.do === 'say') {
    const [first, second] = now.ways;
    if (second === undefined) return yield* send<number>(...messagesOf(objects, first));
    return (yield* oneOf({ a: messagesOf(objects, first), b: messagesOf(objects, second) })).reply;
  }
  const it = objects[now.object] as Random;
  if (now.do === 'free') return yield* kfree(it);
  if (now.do === 'lock') return yield* mutex_lock(it.lock);
  if (now.do === 'unlock') return yield* mutex_unlock(it.lock);
  if (now.do === 'trylock') return (yield* mutex_trylock(it.lock)) ? 0 : 1;
  if (now.do === 'write') return yield* store(it.f, now.value);
  return yield* now.do === 'read' ? load(it.f) : READ_ONCE(it.f);
}

function* play(objects: readonly Random[], code: readonly Instruction[]): Operation {
  for (let pc = 0; pc < code.length; pc++) if ((yield* obey(objects, code[pc] as Instruction)) === 1) pc++;
}

/** What predicates see of the two objects. */
interface View {
  readonly o0: { readonly m: Fields; readonly f: { readonly value: number } };
  readonly o1: View['o0'];
  readonly blocked: (thread: string) => boolean;
  readonly ended: (thread: string) => boolean;
}

export function variantOf({ tables, threads }: Generated, asks = false): Variant {
  const made = variant({
    objects: { o0: objectOf(0, tables[0]), o1: objectOf(1, tables[1]) },
    threads: ({ o0, o1 }) => Object.fromEntries(threads.map((code, t) => [`t${t}`, [call(play, [o0, o1], code)]])),
    expect: [],
  });
  return asks ? { ...made, ...predicates } : made;
}

const ask = (predicate: (view: View) => boolean): ((view: never) => boolean) => predicate;
const predicates = {
  always: {
    'not both low': ask(({ o0, o1 }) => !(o0.m.low === 1 && o1.m.low === 1)),
    'not high when written': ask(({ o0 }) => !(o0.f.value === 1 && o0.m.high === 1)),
  },
  sometimes: {
    'one is high, the other is not': ask(({ o0, o1 }) => o0.m.high === 1 && o1.m.high === 0),
    't0 waits though o1 is low': ask(({ o1, blocked }) => o1.m.low === 1 && blocked('t0')),
    't1 has ended before t0': ask(({ ended }) => ended('t1') && !ended('t0')),
  },
  atEnd: { 'low at the end': ask(({ o1 }) => o1.m.low === 1) },
};
