/**
 * Random programs over random machines, for searches that must agree: objects that are tables, and those that ship;
 * memory that is freed or allocated; loops; predicates that read a state only as far as they must.
 */
// Objects of all kinds are met here by name, and a program may well say the wrong thing to one.
// oxlint-disable typescript/no-explicit-any
import { fc } from '@fast-check/ava';
import { assign } from 'xstate';
import {
  again,
  choose,
  kfree,
  kzalloc,
  loop,
  type Message,
  message,
  type Operation,
  oneOf,
  send,
  WARN_ON,
} from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { globals, type Handle, part, pool as poolOf, type Protocol, setupObject, struct } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import { completion } from '../../machines/sync/completion.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { pointer } from '../../machines/sync/field.ts';
import { list_head, list_node } from '../../machines/sync/list.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { call, daemon, local, task, type Thread, type Variant, variant } from '../../src/index.ts';

/** What an event does where the object has this value; null: it must wait. */
interface Does {
  readonly to: number;
  readonly reply: number | null;
  readonly splat: 'none' | 'warn' | 'oops';
}
/** By event and value: a value is three bits. */
type Table = readonly (readonly (Does | null)[])[];

const VALUES = 8;
export const EVENTS = 4;

/** Any effect anywhere: hardly any two events commute. */
const wildTable: fc.Arbitrary<Table> = fc.array(
  fc.array(
    fc.option(
      fc.record({
        to: fc.nat(VALUES - 1),
        reply: fc.constantFrom(null, 0, 1),
        splat: fc.constantFrom('none' as const, ...Array<'none'>(9).fill('none'), 'warn' as const, 'oops' as const),
      }),
      { freq: 5 },
    ),
    { minLength: VALUES, maxLength: VALUES },
  ),
  { minLength: EVENTS, maxLength: EVENTS },
);

/** Those bits have these values. */
interface Bits {
  readonly mask: number;
  readonly value: number;
}
const bits: fc.Arbitrary<Bits> = fc.record({ mask: fc.integer({ min: 1, max: 6 }), value: fc.nat(7) });
const holds = ({ mask, value }: Bits, at: number): boolean => (at & mask) === (value & mask);

/** Events that move a bit or two, so that many commute, and some only where a third bit is up. */
const tameEvent = fc.record({
  waits: fc.option(bits, { freq: 2 }),
  sets: fc.option(fc.record({ mask: fc.constantFrom(1, 2, 4, 1, 2, 4, 3, 6), value: fc.nat(7) }), { freq: 5 }),
  flips: fc.constantFrom(0, 0, 0, 1, 2, 4),
  reply: fc.constantFrom(null, null, 0, 1, 2),
  splats: fc.option(bits, { freq: 1 }),
  stops: fc.boolean(),
});
const tameTable: fc.Arbitrary<Table> = fc.array(tameEvent, { minLength: EVENTS, maxLength: EVENTS }).map((events) =>
  events.map(({ waits, sets, flips, reply, splats, stops }) =>
    Array.from({ length: VALUES }, (_, at) =>
      waits !== null && holds(waits, at)
        ? null
        : {
            to: (sets === null ? at : (at & ~sets.mask) | (sets.value & sets.mask)) ^ flips,
            reply: reply === null ? null : (at >> reply) & 1,
            splat: splats === null || !holds(splats, at) ? ('none' as const) : stops ? ('oops' as const) : ('warn' as const),
          },
    ),
  ),
);
const table = fc.oneof({ weight: 3, arbitrary: tameTable }, { weight: 1, arbitrary: wildTable });

interface Context {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}
type Seen = { readonly context: Context };
const valueOf = ({ a, b, c }: Context): number => a + 2 * b + 4 * c;

const machineOf = (name: string, rows: Table) => {
  const at = ({ context }: Seen, event: number): Does | null => rows[event]?.[valueOf(context)] ?? null;
  const bit = (event: number, n: number) => (seen: Seen) => ((at(seen, event)?.to ?? 0) >> n) & 1;
  const on = Object.fromEntries(
    rows.map((_, event) => {
      const moves = assign({ a: bit(event, 0), b: bit(event, 1), c: bit(event, 2) });
      const reply = { type: 'answer', params: (seen: Seen) => ({ value: at(seen, event)?.reply ?? null }) };
      const complains = (stops: boolean) => ({
        type: 'splat',
        params: { kind: 'warn', text: `${name} e${event}`, prints: 'WARNING', ...(stops ? { stops } : {}) },
      });
      const where = (splat: string) => (seen: Seen) => at(seen, event)?.splat === splat;
      return [
        `e${event}`,
        [
          { guard: where('none'), actions: [reply, moves] },
          { guard: where('warn'), actions: [reply, complains(false), moves] },
          { guard: where('oops'), actions: [reply, complains(true), moves] },
        ],
      ];
    }),
  );
  const config = { id: `random ${name}`, context: ({ input }: { input: object }) => input, on };
  return setupObject<Context, Protocol>().createMachine(config as never);
};
const tablePart = (name: string, rows: Table) => part<Protocol, object>(machineOf(name, rows) as never, { a: 0, b: 0, c: 0 });

/** The objects that are tables: `g.o0` … on file scope, `d.o` on the heap, `p.o` in what is allocated. */
const TABLES = 4;
const OBJECTS = TABLES + 2;

interface Say {
  /** The last two lie in memory: that of `d`, and that to which the thread's own pointer leads. */
  readonly object: number;
  readonly event: number;
  /** Something is said to another table in the same step. */
  readonly also: { readonly object: number; readonly event: number } | null;
}
type Which = 0 | 1;

type Instruction =
  | { readonly do: 'say'; readonly say: Say }
  | { readonly do: 'either'; readonly one: Say; readonly other: Say }
  | { readonly do: 'lock' | 'unlock' | 'trylock'; readonly lock: Which }
  | { readonly do: 'lock or wait' | 'lock or say'; readonly lock: Which; readonly say: Say }
  | { readonly do: 'complete' | 'wait' | 'wait or time out' }
  | { readonly do: 'get' | 'try to get' | 'put' }
  | { readonly do: 'count up' | 'count down' | 'set' }
  | { readonly do: 'choose' | 'warn' }
  | { readonly do: 'free' | 'alloc' | 'free own' | 'publish' | 'fetch' }
  | { readonly do: 'list_add' | 'list_del' | 'list_empty' }
  | { readonly do: 'loop'; readonly body: readonly [Say, Say]; readonly turns: number };

const object = fc.oneof(
  { weight: 6, arbitrary: fc.nat(TABLES - 1) },
  { weight: 1, arbitrary: fc.integer({ min: TABLES, max: OBJECTS - 1 }) },
);
const event = fc.nat(EVENTS - 1);
const say: fc.Arbitrary<Say> = fc.record({ object, event, also: fc.option(fc.record({ object, event }), { freq: 2 }) });
const which = fc.constantFrom(0 as const, 1 as const);
const just = <T extends string>(...names: readonly T[]) => fc.constantFrom(...names).map((name) => ({ do: name }) as const);

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('say' as const), say }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('either' as const), one: say, other: say }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('lock' as const, 'lock' as const, 'unlock' as const, 'trylock' as const),
      lock: which,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lock or wait' as const, 'lock or say' as const), lock: which, say }) },
  { weight: 2, arbitrary: just('complete', 'wait', 'wait or time out') },
  { weight: 2, arbitrary: just('get', 'try to get', 'put') },
  { weight: 2, arbitrary: just('count up', 'count down', 'set') },
  { weight: 1, arbitrary: just('choose', 'warn') },
  { weight: 2, arbitrary: just('free', 'alloc', 'free own', 'publish', 'fetch') },
  { weight: 1, arbitrary: just('list_add', 'list_del', 'list_empty') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('loop' as const), body: fc.tuple(say, say), turns: fc.nat(2) }) },
);

interface RandomThread {
  readonly calls: readonly (readonly Instruction[])[];
  readonly kind: 'task' | 'daemon';
  readonly forever: boolean;
  readonly keeps: boolean;
}
const threadOf = (most: number): fc.Arbitrary<RandomThread> =>
  fc.record({
    calls: fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.array(instruction, { minLength: 1, maxLength: most })) },
      {
        weight: 1,
        arbitrary: fc.tuple(
          fc.array(instruction, { minLength: 1, maxLength: 2 }),
          fc.array(instruction, { minLength: 1, maxLength: most - 1 }),
        ),
      },
    ),
    kind: fc.constantFrom('task' as const, 'task' as const, 'task' as const, 'daemon' as const),
    forever: fc.constantFrom(false, false, false, false, true),
    keeps: fc.boolean(),
  });

const keepsResult = ({ forever, keeps }: Pick<RandomThread, 'forever' | 'keeps'>): boolean => keeps && !forever;

/** One thing that a predicate asks; it goes on to the next only where this one holds. */
type Asks =
  | { readonly of: 'table'; readonly object: number; readonly bits: Bits }
  | { readonly of: 'next' | 'blocked' | 'ended' | 'result'; readonly thread: number; readonly event: number }
  | { readonly of: 'freed' | 'all' | 'counts' | 'lock' };
const asks: fc.Arbitrary<Asks> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ of: fc.constant('table' as const), object: fc.nat(TABLES - 1), bits }) },
  {
    weight: 3,
    arbitrary: fc.record({
      of: fc.constantFrom('next' as const, 'blocked' as const, 'ended' as const, 'result' as const),
      thread: fc.nat(3),
      event,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ of: fc.constantFrom('freed' as const, 'all' as const, 'counts' as const, 'lock' as const) }),
  },
);
const question = fc.array(asks, { minLength: 1, maxLength: 3 });

export interface RandomProgram {
  readonly tables: readonly Table[];
  readonly threads: readonly RandomThread[];
  /** The last thread is an interrupt handler on the CPU of the first. */
  readonly interrupts: boolean;
  readonly never: readonly (readonly Asks[])[];
  readonly once: readonly (readonly Asks[])[];
  readonly notAtEnd: readonly (readonly Asks[])[];
}

export const randomPrograms: fc.Arbitrary<RandomProgram> = fc.record({
  tables: fc.array(table, { minLength: OBJECTS, maxLength: OBJECTS }),
  threads: fc.oneof(
    fc.array(threadOf(5), { minLength: 2, maxLength: 2 }),
    fc.array(threadOf(4), { minLength: 3, maxLength: 3 }),
    fc.array(threadOf(3), { minLength: 4, maxLength: 4 }),
  ),
  interrupts: fc.constantFrom(false, false, false, false, false, true),
  never: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(question, { maxLength: 2 }) }),
  once: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(question, { maxLength: 2 }) }),
  notAtEnd: fc.array(question, { maxLength: 1 }),
});

type Objects = Readonly<Record<'g' | 'd' | 'p', Readonly<Record<string, Handle<Protocol>>> & { readonly path: string }>>;

const objectsOf = (tables: readonly Table[]) => {
  const rows = (n: number): Table => tables[n] as Table;
  return {
    g: globals('g', {
      ...Object.fromEntries(Array.from({ length: TABLES }, (_, n) => [`o${n}`, tablePart(`o${n}`, rows(n))])),
      m0: mutex(),
      m1: mutex(),
      done: completion(),
      count: atomic(),
      at: pointer(),
      list: list_head(),
      cpu: cpu(),
    }),
    d: struct('d', { o: tablePart('d', rows(TABLES)), users: refcount(1), node: list_node({ initialised: true }) }),
    p: poolOf(struct('p', { o: tablePart('p', rows(TABLES + 1)) })),
  };
};

const messagesOf = ({ g, d }: Objects, own: unknown, { object, event, also }: Say): readonly [Message, ...Message[]] => {
  const part = (n: number): Handle<Protocol> =>
    (n < TABLES ? g[`o${n}`] : n === TABLES ? d['o'] : (own as Objects['p'])['o']) as Handle<Protocol>;
  const first = message('update', part(object), `e${event}`);
  if (also === null || also.object === object) return [first];
  const second = message('update', part(also.object), `e${also.event}`);
  // Two pointers that lead to one place would say two things to it at once.
  return second.object === first.object ? [first] : [first, second];
};

/** With reply 1 or true, or by the second way, the next instruction is skipped. */
function* play(o: Objects, code: readonly Instruction[], round: boolean): Operation<number> {
  const { g, d, p } = o as { readonly [K in keyof Objects]: any };
  // Kernel code would keep it in a variable; it is NULL at first.
  let own: any = { path: 'NULL', o: { path: 'NULL.o' } };
  let reply: unknown = null;
  let allocated = round;
  for (let pc = 0; pc < code.length; pc++) {
    const now = code[pc] as Instruction;
    reply = null;
    switch (now.do) {
      case 'say':
        reply = yield* send<unknown>(...messagesOf(o, own, now.say));
        break;
      case 'either': {
        const taken = yield* oneOf({ a: messagesOf(o, own, now.one), b: messagesOf(o, own, now.other) });
        reply = taken.way === 'b' ? 1 : taken.reply;
        break;
      }
      case 'lock':
        yield* send(message('acquire', g[`m${now.lock}`], 'mutex_lock'));
        break;
      case 'unlock':
        yield* send(message('release', g[`m${now.lock}`], 'mutex_unlock'));
        break;
      case 'trylock':
        reply = yield* send<boolean>(message({ kind: 'acquire', try: true }, g[`m${now.lock}`], 'mutex_trylock'));
        break;
      case 'lock or wait':
        yield* oneOf({
          lock: message('acquire', g[`m${now.lock}`], 'mutex_lock'),
          wait: message('wait', g.done, 'wait_for_completion'),
        });
        break;
      case 'lock or say':
        yield* oneOf({ lock: message('acquire', g[`m${now.lock}`], 'mutex_lock'), say: messagesOf(o, own, now.say) });
        break;
      case 'complete':
        yield* send(message('signal', g.done, 'complete'));
        break;
      case 'wait':
        yield* send(message('wait', g.done, 'wait_for_completion'));
        break;
      case 'wait or time out': {
        const { way } = yield* oneOf({
          done: message('wait', g.done, 'wait_for_completion'),
          timeout: message('wait', g.done, 'timeout'),
        });
        reply = way === 'timeout';
        break;
      }
      case 'get':
        yield* send(message('get', d.users, 'refcount_inc'));
        break;
      case 'try to get':
        reply = !(yield* send<boolean>(message('get', d.users, 'refcount_inc_not_zero')));
        break;
      case 'put':
        if (yield* send<boolean>(message('put', d.users, 'refcount_dec_and_test'))) yield* kfree(d);
        break;
      case 'count up':
        yield* send(message('update', g.count, 'atomic_inc'));
        break;
      case 'count down':
        reply = yield* send<boolean>(message('update', g.count, 'atomic_dec_and_test'));
        break;
      case 'set':
        yield* send(message('update', g.count, 'atomic_set', { n: 1 } as never));
        break;
      case 'choose':
        reply = (yield* choose('luck', 'good', 'bad')) === 'bad';
        break;
      case 'warn':
        yield* WARN_ON(true, 'said so');
        break;
      case 'free':
        yield* kfree(d);
        break;
      case 'alloc':
        if (!allocated) own = yield* kzalloc(p);
        allocated = true;
        break;
      case 'free own':
        yield* kfree(own);
        break;
      case 'publish':
        yield* store(g.at, own.path === 'NULL' ? d : own);
        break;
      case 'fetch': {
        const there: any = yield* load(g.at);
        if (there.path !== 'd') own = there;
        break;
      }
      case 'list_add':
      case 'list_del':
        yield* send(
          message('update', d.node, now.do, { list: g.list } as never),
          message('update', g.list, now.do, { entry: d } as never),
        );
        break;
      case 'list_empty':
        reply = yield* send<boolean>(message('read', g.list, 'list_empty'));
        break;
      case 'loop': {
        const [first, second] = now.body;
        const mine = own;
        reply = yield* loop(now.turns, function* (turns: number) {
          const seen = yield* send<unknown>(...messagesOf(o, mine, first));
          // Without turns left it spins as long as it sees the bit.
          if (seen === 1) return again(Math.max(0, turns - 1));
          if (turns === 0) return null;
          yield* send(...messagesOf(o, mine, second));
          return again(turns - 1);
        });
        break;
      }
    }
    if (reply === 1 || reply === true) pc++;
  }
  return reply === 1 || reply === true ? 1 : 0;
}

function* handle(o: Objects, code: readonly Instruction[], round: boolean): Operation<number> {
  const { cpu: processor } = o.g as never as { cpu: Handle<Protocol> };
  yield* send(message({ kind: 'update', stamped: true }, processor, 'irq_enter'));
  const result = yield* play(o, code, round);
  yield* send(message({ kind: 'update', stamped: true }, processor, 'irq_exit'));
  return result;
}

export function variantOf({ tables, threads, interrupts, never, once, notAtEnd }: RandomProgram): Variant {
  const results = threads.map((_, i) => local<number>(`r${i}`));
  const holdsIn = (view: any, all: readonly Asks[]): boolean =>
    all.every((one) => {
      switch (one.of) {
        case 'table':
          return holds(one.bits, valueOf(view.g[`o${one.object}`] as Context));
        case 'next':
          return view.next(`t${one.thread % threads.length}`) === `e${one.event}`;
        case 'blocked':
          return view.blocked(`t${one.thread % threads.length}`);
        case 'ended':
          return view.ended(`t${one.thread % threads.length}`);
        case 'result': {
          const at = one.thread % threads.length;
          return keepsResult(threads[at] as RandomThread) && view.result(results[at]) === one.event % 2;
        }
        case 'freed':
          return view.d.freed;
        case 'all':
          return view.all('p').length > 0;
        case 'counts':
          return view.g.count.n > 0;
        case 'lock':
          return view.g.m0.owner !== null;
      }
    });
  const tests = (all: readonly (readonly Asks[])[], wanted: boolean) =>
    Object.fromEntries(all.map((question, i) => [`q${i}`, (view: unknown) => holdsIn(view, question) === wanted]));
  return variant({
    objects: objectsOf(tables),
    threads: (o: Objects) => {
      return Object.fromEntries(
        threads.map(({ calls, kind, forever, keeps }, i): [string, Thread] => {
          const interrupt = interrupts && i === threads.length - 1;
          const said = calls.map((code, n) => {
            const made = call(interrupt ? handle : play, o, code, forever || n > 0);
            return n === 0 && keepsResult({ forever, keeps }) ? made.into(results[i] as never) : made;
          });
          const options = { forever, ...(interrupts && (interrupt || i === 0) ? { cpu: o.g['cpu'] as never } : {}) };
          return [`t${i}`, (kind === 'task' ? task : daemon)(said, options)];
        }),
      );
    },
    always: tests(never, false),
    sometimes: tests(once, true),
    atEnd: tests(notAtEnd, false),
    leaks: { d: (view: any) => (view.d.freed ? 0 : view.d.users.n), list: (view: any) => view.g.list.entries.length },
    expect: [],
  } as never);
}
