/**
 * Programs of which the number of Mazurkiewicz traces is published: in 'Optimal Dynamic Partial Order Reduction'
 * (POPL 2014, JACM 2017), in Concuerror's suite of tests for DPOR, and in GenMC's. One operation is one step, local code is
 * free, all variables start at 0 unless it is said.
 */
import { assign } from 'xstate';
import { access, message, type Operation, send } from '../../actors/step.ts';
import { READ_ONCE, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { done, globals, type Handle, part, type Parts, setupObject } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import type { Dependence } from '../../src/explore/dpor/footprint.ts';
import { call, type Variant, variant } from '../../src/index.ts';

export interface Published {
  readonly name: string;
  readonly make: () => Variant;
  readonly traces: number;
  readonly dependence: Dependence;
  /** For a benchmark: too long for a test. */
  readonly slow: boolean;
}

/** A variable with read, write, and two accesses that do both at once. */
type Cell = Field<number> & {
  rmw: object;
  cas: { with: { old: number; new: number }; reply: boolean };
};
type V = Handle<Cell>;

const cellMachine = setupObject<{ value: number }, Cell>()
  .extend({
    guards: { isExpected: ({ context, event }) => event.type === 'cas' && event.old === context.value },
    actions: {
      next: assign({ value: ({ context }) => context.value + 1 }),
      swap: assign({ value: ({ context, event }) => (event.type === 'cas' ? event.new : context.value) }),
      put: assign({ value: ({ context, event }) => (event.type === 'store' ? event.value : context.value) }),
    },
  })
  .createMachine({
    id: 'cell',
    context: ({ input }) => input,
    on: {
      load: { actions: { type: 'answer', params: ({ context }) => ({ value: context.value }) } },
      store: { actions: ['put', done] },
      rmw: { actions: ['next', done] },
      cas: [
        { guard: 'isExpected', actions: ['swap', { type: 'answer', params: { value: true } }] },
        { actions: { type: 'answer', params: { value: false } } },
      ],
    },
  });
const cell = (value = 0) => part<Cell, { value: number }>(cellMachine, { value });

const R = (v: V): Operation<number> => READ_ONCE(v);
const W = (v: V, value: number): Operation => WRITE_ONCE(v, value);
const RMW = access<Cell, 'rmw'>('update', 'rmw');
const CAS = (v: V, old: number, to: number): Operation<boolean> =>
  send<boolean>(message<Cell, 'cas'>('update', v, 'cas', { old, new: to }));

type Code = () => Operation<unknown>;
interface Memory {
  readonly [name: string]: V;
}
interface Locks {
  readonly [name: string]: Handle<Mutex>;
}

interface Spec {
  readonly name: string;
  readonly traces: number;
  readonly dependence?: Dependence;
  readonly slow?: boolean;
  readonly vars?: readonly string[];
  readonly locks?: readonly string[];
  readonly start?: { readonly [name: string]: number };
  readonly threads: (memory: Memory, locks: Locks) => readonly Code[];
}

/** Threads over some variables and locks, of which each thread is a piece of code. */
export function program({ vars = ['x', 'y', 'z', 'w'], locks = [], start = {}, threads }: Omit<Spec, 'name' | 'traces'>) {
  const memory: Parts = Object.fromEntries(vars.map((name) => [name, cell(start[name] ?? 0)]));
  const mutexes: Parts = Object.fromEntries(locks.map((name) => [name, mutex()]));
  return variant({
    objects: { memory: globals('memory', memory), locks: globals('locks', mutexes) },
    threads: (o) => {
      const codes = threads(o.memory, o.locks);
      return Object.fromEntries(codes.map((code, i) => [`t${i}`, [call(code)]]));
    },
    expect: [],
  });
}

const published = ({ name, traces, dependence = 'location', slow = false, ...spec }: Spec): Published => ({
  name,
  traces,
  dependence,
  slow,
  make: () => program(spec),
});

const times = <T>(n: number, make: (i: number) => T): readonly T[] => Array.from({ length: n }, (_, i) => make(i));
const names = (prefix: string, n: number): readonly string[] => times(n, (i) => `${prefix}${i}`);
const oneOfMany = (memory: Memory, name: string, i: number): V => memory[`${name}${i}`] as V;

/** Straight-line code. */
const line = (...steps: readonly (() => Operation<unknown>)[]): Code =>
  function* () {
    for (const step of steps) yield* step();
  };
/** Reads one after the other, as long as each gives 1, and then the last, whatever it gives. */
const guarded = (guards: readonly V[], then: V): Code =>
  function* () {
    for (const guard of guards) if ((yield* R(guard)) !== 1) return;
    yield* R(then);
  };

const readers = (n: number): Spec => ({
  name: `readers(${n})`,
  traces: 2 ** n,
  vars: ['x', ...names('l', n)],
  threads: (m) => [
    line(() => W(m.x as V, 42)),
    ...times(n, (i) =>
      line(
        () => R(oneOfMany(m, 'l', i)),
        () => R(m.x as V),
      ),
    ),
  ],
});

const lastzero = (n: number, slow = false): Spec => ({
  name: `lastzero(${n})`,
  traces: (n + 3) * 2 ** (n - 2),
  ...(slow ? { slow } : {}),
  vars: names('a', n + 1),
  threads: (m) => [
    function* () {
      for (let i = n; (yield* R(oneOfMany(m, 'a', i))) !== 0; ) i--;
    },
    ...times(
      n,
      (j): Code =>
        function* () {
          yield* W(oneOfMany(m, 'a', j + 1), (yield* R(oneOfMany(m, 'a', j))) + 1);
        },
    ),
  ],
});

const SIZE = 128;
const indexer = (n: number, slow = false): Spec => ({
  name: `indexer(${n})`,
  traces: n < 11 ? 1 : 8 ** (n - 11),
  ...(slow ? { slow } : {}),
  vars: names('e', SIZE),
  threads: (m) =>
    times(
      n,
      (t): Code =>
        function* () {
          for (let turn = 1; turn <= 4; turn++) {
            const value = 11 * turn + t;
            for (let h = (7 * value) % SIZE; !(yield* CAS(oneOfMany(m, 'e', h), 0, value)); ) h = (h + 1) % SIZE;
          }
        },
    ),
});

const [BLOCKS, INODES] = [26, 32];
const filesystem = (n: number, slow = false): Spec => ({
  name: `filesystem(${n})`,
  traces: n < 14 ? 1 : 2 ** (n - 13),
  ...(slow ? { slow } : {}),
  vars: [...names('inode', INODES), ...names('busy', BLOCKS)],
  locks: [...names('li', INODES), ...names('lb', BLOCKS)],
  threads: (m, locks) =>
    times(
      n,
      (t): Code =>
        function* () {
          const i = t % INODES;
          const inode = oneOfMany(m, 'inode', i);
          yield* mutex_lock(locks[`li${i}`] as Handle<Mutex>);
          if ((yield* R(inode)) === 0)
            for (let b = (i * 2) % BLOCKS, isFound = false; !isFound; b = (b + 1) % BLOCKS) {
              yield* mutex_lock(locks[`lb${b}`] as Handle<Mutex>);
              isFound = (yield* R(oneOfMany(m, 'busy', b))) === 0;
              if (isFound) {
                yield* W(oneOfMany(m, 'busy', b), 1);
                yield* W(inode, b + 1);
              }
              yield* mutex_unlock(locks[`lb${b}`] as Handle<Mutex>);
            }
          yield* mutex_unlock(locks[`li${i}`] as Handle<Mutex>);
        },
    ),
});

const philosophers = (n: number): Spec => ({
  name: `philosophers(${n})`,
  traces: 2 ** n - 1,
  locks: names('f', n),
  threads: (_, locks) =>
    times(n, (i) => {
      const [left, right] = [locks[`f${i}`], locks[`f${(i + 1) % n}`]] as [Handle<Mutex>, Handle<Mutex>];
      return line(
        () => mutex_lock(left),
        () => mutex_lock(right),
        () => mutex_unlock(right),
        () => mutex_unlock(left),
      );
    }),
});

const paper: readonly Spec[] = [
  ...[1, 2, 3, 4, 8, 11].map(readers),
  lastzero(5),
  lastzero(10),
  lastzero(15, true),
  indexer(11),
  indexer(12),
  indexer(15, true),
  filesystem(14),
  filesystem(16),
  filesystem(19, true),
  {
    name: 'the first example of the paper',
    traces: 5,
    threads: ({ x, y, z }: Memory) => [
      line(() => W(x as V, 1)),
      line(() => W(y as V, 1)),
      function* () {
        if ((yield* R(y as V)) === 0) yield* W(z as V, 1);
      },
      function* () {
        if ((yield* R(z as V)) === 1 && (yield* R(y as V)) === 0) yield* W(x as V, 2);
      },
    ],
  },
];

const dependOne = ({ x, y, z }: Four): readonly Code[] => [
  line(() => W(z, 1)),
  line(() => W(x, 1)),
  line(() => W(y, 1)),
  guarded([x, y], z),
  guarded([y], z),
];
type Four = { readonly x: V; readonly y: V; readonly z: V; readonly w: V };
/** The programs of four variables. */
const four = (
  name: string,
  traces: number,
  threads: (memory: Four) => readonly Code[],
  dependence: Dependence = 'location',
): Spec => ({ name, traces, dependence, threads: (memory) => threads(memory as unknown as Four) });

const conditionalReader = ({ x, y }: Four): Code =>
  function* () {
    if ((yield* R(y)) === 0) yield* R(x);
    yield* W(y, 1);
  };
const etsi = (a: V, b: V, c: V): Code =>
  function* () {
    if ((yield* R(a)) === 0) yield* W(b, 1);
    else yield* W(c, 0);
  };
const hairbrush = (writes: number, threads: number, reads: number, traces: number): Spec =>
  four(`hairbrush_teeth(${writes},${threads},${reads})`, traces, ({ x }) => [
    line(...times(writes, (i) => () => W(x, i + 1))),
    ...times(threads, () => line(...times(reads, () => () => R(x)))),
  ]);

const concuerror: readonly Spec[] = [
  four('depend_1', 12, dependOne),
  four('depend_4', 30, (m) => [...dependOne(m), line(() => W(m.x, 2))]),
  four('depend_6', 18, ({ y, z }) => [
    line(
      () => R(y),
      () => R(z),
    ),
    line(() => R(y)),
    line(() => W(z, 1)),
    line(
      () => W(y, 1),
      () => W(y, 2),
    ),
  ]),
  four('diff_dep_3', 6, ({ x, z }) => [
    line(() => W(x, 1)),
    line(() => W(z, 1)),
    function* () {
      if ((yield* R(z)) === 1) yield* R(x);
    },
    line(() => R(x)),
  ]),
  four('complete_test_1', 48, ({ x, y }) => [
    line(() => W(y, 1)),
    line(() => W(x, 1)),
    function* () {
      if ((yield* R(x)) === 0) yield* R(y);
    },
    line(
      () => R(x),
      () => R(y),
    ),
    line(() => W(x, 2)),
  ]),
  four('conditional_readers', 8, (m) => [line(() => W(m.x, 1)), conditionalReader(m), conditionalReader(m)], 'values'),
  four('conditional_readers', 12, (m) => [line(() => W(m.x, 1)), conditionalReader(m), conditionalReader(m)]),
  four('difficult_readers', 18, ({ x }) => [line(() => W(x, 1)), line(() => W(x, 2)), line(() => R(x)), line(() => R(x))]),
  four('ets_cross', 3, ({ x, y }) => [
    line(
      () => W(x, 1),
      () => W(y, 1),
    ),
    line(
      () => W(y, 2),
      () => W(x, 2),
    ),
  ]),
  four('etsi', 7, ({ x, y, z }) => [etsi(x, y, z), etsi(y, z, x), etsi(z, x, y)]),
  hairbrush(2, 1, 2, 6),
  hairbrush(3, 1, 3, 20),
  hairbrush(2, 2, 2, 36),
  hairbrush(3, 2, 3, 400),
  four('many_initials', 5, ({ x, y, z }) => [
    line(() => W(x, 1)),
    line(() => W(y, 1)),
    line(() => W(z, 1)),
    function* () {
      const [a, b] = [yield* R(y), yield* R(z)];
      if (a === 1 && b === 1) yield* R(x);
    },
  ]),
  four('sleeping_races_2', 5, ({ x, y }) => [
    line(() => W(y, 1)),
    line(() => W(x, 1)),
    function* () {
      yield* W(y, 2);
      if ((yield* R(x)) === 1) yield* R(y);
    },
  ]),
  four('sleeping_races_6', 10, ({ x, y, z, w }) => [
    line(() => W(w, 1)),
    line(() => W(x, 1)),
    line(() => W(y, 1)),
    line(
      () => R(y),
      () => W(z, 1),
    ),
    guarded([y, z, x], w),
  ]),
  four('two_writers_readers_2', 18, ({ x, y }) => [
    line(() => W(x, 1)),
    line(() => W(x, 2)),
    ...times(2, () =>
      line(
        () => R(y),
        () => R(x),
      ),
    ),
  ]),
  four('wakeup_many', 4, ({ x }) => [1, 0, 1].map((value) => line(() => W(x, value))), 'values'),
];

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
const increment = (x: V): Code =>
  function* () {
    yield* W(x, (yield* R(x)) + 1);
  };

const genmc: readonly Spec[] = [
  ...[3, 4, 5].map((n) => four(`ainc(${n})`, factorial(n), ({ x }) => times(n, () => line(() => RMW(x))))),
  ...[2, 3, 4].map((n) => four(`inc(${n})`, factorial(n) ** 2, ({ x }) => times(n, () => increment(x)))),
  ...[2, 3, 4, 5, 6].map(
    (n): Spec => ({
      name: `lockinc(${n})`,
      traces: factorial(n),
      locks: ['m'],
      threads: ({ x }, { m }) =>
        times(n, () =>
          line(
            () => mutex_lock(m as Handle<Mutex>),
            increment(x as V),
            () => mutex_unlock(m as Handle<Mutex>),
          ),
        ),
    }),
  ),
  ...[2, 3, 4, 5].map((n) => four(`cas(${n})`, n, ({ x }) => times(n, (i) => line(() => CAS(x, 0, i + 1))))),
  ...[2, 3, 4, 5].map((n) =>
    four(`wcas(${n})`, n * 2 ** (n - 1) + 1, ({ x }) => [line(() => W(x, 2)), ...times(n, () => line(() => CAS(x, 2, 3)))]),
  ),
  {
    name: 'fib_bench',
    traces: 218_243,
    slow: true,
    vars: ['x', 'y'],
    start: { x: 1, y: 1 },
    threads: ({ x, y }: Memory) => {
      const adder = (to: V): Code =>
        function* () {
          for (let i = 0; i < 5; i++) yield* W(to, (yield* R(x as V)) + (yield* R(y as V)));
        };
      return [
        adder(x as V),
        adder(y as V),
        function* () {
          if ((yield* R(x as V)) <= 144) yield* R(y as V);
        },
      ];
    },
  },
];

export const programs: readonly Published[] = [
  ...[...paper, ...concuerror, ...genmc].map(published),
  ...[2, 3, 4, 5, 6].map(philosophers).map(published),
];
