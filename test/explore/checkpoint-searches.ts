/** Searches to be interrupted: generated programs over generated machines, and what there is to compare of two searches. */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import * as fc from 'fast-check';
import { assign } from 'xstate';
import { choose, message, type Operation, oneOf, send } from '../../actors/step.ts';
import { globals, type Handle, type HandleTo, part, type Protocol, setupObject, struct } from '../../machines/object.ts';
import { wait_for_completion } from '../../actors/sync/completion.ts';
import { store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import type { Resumption } from '../../src/explore/checkpoint.ts';
import { findLassos } from '../../src/explore/liveness.ts';
import { type Explored, explore } from '../../src/explore/plain-search.ts';
import type { Progress } from '../../src/explore/found.ts';
import { exploreReduced } from '../../src/explore/reduced-search.ts';
import { daemon, call, local, task, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { savedTables } from '../../src/tables/saved-tables.ts';
import { type Effect, type Table, tables } from '../helpers/random-machines.ts';

export const VALUES = 4;
const EVENTS = 3;

const table = tables({ values: VALUES, events: EVENTS, quiet: 12, goesOn: 5 });

type Seen = { readonly context: { readonly value: number } };

const machineOf = (name: string, rows: Table) => {
  const at = ({ context }: Seen, event: number): Effect => rows[event]?.[context.value] ?? null;
  const is = (event: number, splat: string) => (seen: Seen) => at(seen, event)?.splat === splat;
  const moves = (event: number) => assign({ value: (seen: Seen) => at(seen, event)?.to ?? 0 });
  const reply = (event: number) => ({ type: 'answer', params: (seen: Seen) => ({ value: at(seen, event)?.reply ?? null }) });
  const splat = (event: number, stops: boolean) => ({
    type: 'splat',
    params: { kind: 'warn', text: `${name} e${event}`, prints: 'WARNING', ...(stops ? { stops } : {}) },
  });
  const on = Object.fromEntries(
    rows.map((_, event) => [
      `e${event}`,
      [
        { guard: is(event, 'none'), actions: [reply(event), moves(event)] },
        { guard: is(event, 'warn'), actions: [reply(event), splat(event, false), moves(event)] },
        { guard: is(event, 'oops'), actions: [reply(event), splat(event, true), moves(event)] },
      ],
    ]),
  );
  const config = { id: `random-${name}`, context: ({ input }: { input: object }) => input, on };
  return setupObject<{ value: number }, Protocol>().createMachine(config as never);
};

const objectOf = (tables: readonly Table[]) =>
  globals(
    'o',
    Object.fromEntries(
      tables.map((rows, i) => [
        `o${i}`,
        part<Protocol, { value: number }>(
          machineOf(`o${i}`, rows) as never,
          { value: 0 },
          { range: ({ value }) => value < VALUES },
        ),
      ]),
    ),
  );
type Random = HandleTo<ReturnType<typeof objectOf>>;

interface Say {
  readonly object: number;
  readonly event: number;
}
/** One step, or one of two. Taken with reply 1, the next is left out. */
type Instruction = readonly [Say] | readonly [Say, Say];
const say = fc.record({ object: fc.nat(1), event: fc.nat(EVENTS - 1) });
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(say) },
  { weight: 1, arbitrary: fc.tuple(say, say) },
);

function* play(o: Random, code: readonly Instruction[]): Operation<number> {
  let sum = 0;
  for (let pc = 0; pc < code.length; pc++) {
    const [first, second] = code[pc] as Instruction;
    const to = ({ object, event }: Say) => message('update', o[`o${object}`] as Handle<Protocol>, `e${event}`);
    const reply = second === undefined ? yield* send<number>(to(first)) : (yield* oneOf({ a: to(first), b: to(second) })).reply;
    if (reply === 1) pc++;
    sum += Number(reply);
  }
  return sum;
}

export interface Design {
  readonly tables: readonly Table[];
  readonly threads: readonly { readonly code: readonly Instruction[]; readonly forever: boolean }[];
  readonly never: number;
  /** A predicate that asks who waits is not remembered, but asked of every state. */
  readonly asksWhoWaits: boolean;
}

export const designs: fc.Arbitrary<Design> = fc.record({
  tables: fc.tuple(table, table),
  threads: fc.array(fc.record({ code: fc.array(instruction, { minLength: 1, maxLength: 4 }), forever: fc.boolean() }), {
    minLength: 2,
    maxLength: 3,
  }),
  never: fc.nat(VALUES),
  asksWhoWaits: fc.boolean(),
});

const results = [local<number>('r0'), local<number>('r1'), local<number>('r2')] as const;

export const designOf = ({ tables, threads, never, asksWhoWaits }: Design): Variant =>
  variant({
    objects: { o: objectOf(tables) },
    threads: ({ o }) =>
      Object.fromEntries(
        threads.map(({ code, forever }, i) => [
          `t${i}`,
          (i === 2 ? daemon : task)([call(play, o, code).into(results[i] as (typeof results)[0])], { forever }),
        ]),
      ),
    always: {
      never: (view) => view.o.o0?.value !== never || (asksWhoWaits && !view.blocked('t0')),
    },
    sometimes: {
      high: (view) => view.o.o1?.value === VALUES - 1,
      both: (view) => view.ended('t0') && view.next('t1') === 'e1' && (!asksWhoWaits || view.blocked('t1')),
    },
    atEnd: { replied: (view) => (view.result(results[0]) ?? 0) < 3 },
    leaks: { o1: (view) => Math.max(0, (view.o.o1?.value ?? 0) - 2) },
    expect: [],
  });

export type Kind = 'plain' | 'reduced';

export const origin = { scenario: 'test', variant: 'it', version: '1' };

export const start = (kind: Kind, design: Variant, maxStates: number, from: Resumption | null = null) => {
  const program = new Program(design);
  return kind === 'plain'
    ? explore(program, design, { maxStates }, { from })
    : exploreReduced(program, design, { maxStates }, from);
};

/**
 * @param most at which of its turns it is stopped
 * @param look is called at each
 */
export function run(
  kind: Kind,
  design: Variant,
  maxStates = 50_000,
  from: Resumption | null = null,
  most = Infinity,
  look: (progress: Progress) => void = () => {},
): Explored {
  const search = start(kind, design, maxStates, from);
  for (let turn = search.next(), turns = 1; ; turn = search.next(turns++ < most ? null : 'stopped')) {
    if (turn.done) return turn.value;
    look(turn.value);
  }
}

/** All that anybody can ask of a search, and in which order it came to know it. */
export function accountOf(kind: Kind, explored: Explored) {
  const { program, visited, judge, states, steps, depth, cut, sometimes } = explored;
  const state = new Int32Array(program.width);
  const met = createHash('sha256');
  for (let number = 0; number < visited.size; number++) {
    visited.get(number, state);
    met.update(new Uint8Array(state.buffer));
  }
  const lassos =
    kind === 'reduced' ? [] : (['before any finding', 'after a finding'] as const).flatMap((part) => findLassos(explored, part));
  return {
    states,
    steps,
    depth,
    cut,
    sometimes,
    reachedEnd: judge.reachedEnd,
    passes: (explored as { passes?: number }).passes,
    faults: judge.faults.map((fault) => ({ ...fault })),
    sightings: explored.sightings.map((sighting) => ({ ...sighting, way: sighting.way() })),
    lassos: lassos.map((lasso) => [lasso.kind, lasso.thread, [...lasso.states], lasso.loopFrom(Math.min(...lasso.states))]),
    reads: [
      [...explored.reads.always].toSorted((a, b) => a - b),
      [...explored.reads.sometimes].map(([name, places]) => [name, [...places].toSorted((a, b) => a - b)]),
    ],
    met: met.digest('hex'),
    tables: JSON.stringify(savedTables(program)),
    journal: program.journal.all.subarray(0, program.journal.length).join(),
  };
}

const forkNames = ['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6'] as const;
const dinner = struct('table', { f0: mutex(), f1: mutex(), f2: mutex(), f3: mutex(), f4: mutex(), f5: mutex(), f6: mutex() });

function* dine(left: Handle<Mutex>, right: Handle<Mutex>): Operation {
  yield* mutex_lock(left);
  yield* mutex_lock(right);
  yield* mutex_unlock(right);
  yield* mutex_unlock(left);
}

export const philosophers = (count: 5 | 6 | 7): Variant =>
  variant({
    objects: { table: dinner },
    threads: ({ table: { f0, f1, f2, f3, f4, f5, f6 } }) => {
      const forks = [f0, f1, f2, f3, f4, f5, f6].slice(0, count);
      return Object.fromEntries(forks.map((fork, i) => [`p${i}`, [call(dine, fork, forks[(i + 1) % count] as Handle<Mutex>)]]));
    },
    sometimes: { nobody: (view) => forkNames.every((fork) => view.table[fork].state === 'unlocked') },
    expect: [],
  });

function* work({ x, done }: HandleTo<typeof desk>): Operation {
  if ((yield* choose('the request', 'none', 'some')) === 'none') return;
  yield* store(x, 1);
  yield* store(x, 2);
  yield* wait_for_completion(done);
}
const desk = struct('desk', { x: field<number>(0), done: completion() });

/** It ends at once, or comes to wait for what nobody does. */
export const endsOrWaits: Variant = variant({
  objects: { desk },
  threads: ({ desk: all }) => ({ worker: [call(work, all)] }),
  expect: [],
});

/** For a process of its own: saves at every turn, prints a letter for each, and waits to be killed. */
export function searchAndSave(design: Variant, file: string): void {
  run('plain', design, 1_000_000, null, Infinity, ({ checkpoint }) => {
    checkpoint?.save(file, origin);
    writeSync(1, '.');
  });
  setInterval(() => {}, 1000);
}
