/**
 * The compiled search against two others on generated programs: an interpreter written for this test, which knows
 * neither XState nor generators, and random runs on the live actors.
 */
import { fc, testProp } from '@fast-check/ava';
import type { Operation } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { explore, type Explored } from '../../src/explore/plain-search.ts';
import { call, LiveRun, random, replay, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { runsOf } from '../../src/trace/schedule.ts';

type Op =
  | { readonly do: 'read' | 'bump'; readonly cell: 0 | 1 }
  | { readonly do: 'write'; readonly cell: 0 | 1; readonly value: number }
  | { readonly do: 'lock' | 'unlock'; readonly lock: 0 | 1 }
  | { readonly do: 'complete' | 'wait' };

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ do: fc.constantFrom('read' as const, 'bump' as const), cell: fc.constantFrom(0 as const, 1 as const) }),
  fc.record({ do: fc.constant('write' as const), cell: fc.constantFrom(0 as const, 1 as const), value: fc.nat(2) }),
  fc.record({ do: fc.constantFrom('lock' as const, 'unlock' as const), lock: fc.constantFrom(0 as const, 1 as const) }),
  fc.record({ do: fc.constantFrom('complete' as const, 'wait' as const) }),
);
const programs = fc.array(fc.array(op, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 3 });
type Threads = readonly (readonly Op[])[];

/** The interpreter: where each thread is and what it has last read, the cells, who owns the locks, what is done. */
interface State {
  readonly at: readonly number[];
  readonly seen: readonly number[];
  readonly cells: readonly number[];
  readonly owners: readonly (number | null)[];
  readonly done: number;
}

function interpret(threads: Threads): { readonly ends: ReadonlySet<string>; readonly badUnlocks: boolean } {
  const begin: State = { at: threads.map(() => 0), seen: threads.map(() => 0), cells: [0, 0], owners: [null, null], done: 0 };
  const known = new Set<string>([JSON.stringify(begin)]);
  const ends = new Set<string>();
  let badUnlocks = false;
  const queue = [begin];
  const put = <T>(list: readonly T[], index: number, value: T): T[] => list.map((old, i) => (i === index ? value : old));
  for (const state of queue) {
    let moved = false;
    for (const [t, ops] of threads.entries()) {
      const now = ops[state.at[t] as number];
      if (now === undefined) continue;
      const next = { ...state, at: put(state.at, t, (state.at[t] as number) + 1) };
      const seen = state.seen[t] as number;
      let then: State | null = null;
      if (now.do === 'read') then = { ...next, seen: put(state.seen, t, state.cells[now.cell] as number) };
      else if (now.do === 'bump') then = { ...next, cells: put(state.cells, now.cell, Math.min(seen + 1, 3)) };
      else if (now.do === 'write') then = { ...next, cells: put(state.cells, now.cell, now.value) };
      else if (now.do === 'lock')
        then = state.owners[now.lock] === null ? { ...next, owners: put(state.owners, now.lock, t) } : null;
      else if (now.do === 'unlock') {
        const mine = state.owners[now.lock] === t;
        badUnlocks ||= !mine;
        then = mine ? { ...next, owners: put(state.owners, now.lock, null) } : next;
      } else if (now.do === 'complete') then = { ...next, done: state.done + 1 };
      else then = state.done > 0 ? { ...next, done: state.done - 1 } : null;
      if (then === null) continue;
      moved = true;
      const key = JSON.stringify(then);
      if (known.has(key)) continue;
      known.add(key);
      queue.push(then);
    }
    if (!moved)
      ends.add(JSON.stringify([state.cells, state.owners, state.done, state.at.map((at, t) => at >= (threads[t]?.length ?? 0))]));
  }
  return { ends, badUnlocks };
}

const board = struct('board', { c0: field<number>(0), c1: field<number>(0), l0: mutex(), l1: mutex(), done: completion() });
type Board = HandleTo<typeof board>;

function* play(board: Board, ops: readonly Op[]): Operation {
  let seen = 0;
  for (const now of ops) {
    if (now.do === 'read') seen = yield* load(now.cell === 0 ? board.c0 : board.c1);
    else if (now.do === 'bump') yield* store(now.cell === 0 ? board.c0 : board.c1, Math.min(seen + 1, 3));
    else if (now.do === 'write') yield* store(now.cell === 0 ? board.c0 : board.c1, now.value);
    else if (now.do === 'lock') yield* mutex_lock(now.lock === 0 ? board.l0 : board.l1);
    else if (now.do === 'unlock') yield* mutex_unlock(now.lock === 0 ? board.l0 : board.l1);
    else if (now.do === 'complete') yield* complete(board.done);
    else yield* wait_for_completion(board.done);
  }
}

const variantOf = (threads: Threads): Variant =>
  variant({
    objects: { board },
    threads: (o) => Object.fromEntries(threads.map((ops, i) => [`t${i}`, [call(play, o.board, ops)]])),
    expect: [],
  });

function exploreAll(design: Variant): Explored {
  const search = explore(new Program(design), design, { maxStates: 200_000 });
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

function endsOf({ program, visited }: Explored): ReadonlySet<string> {
  const state = new Int32Array(program.width);
  const ends = new Set<string>();
  const part = (path: string) =>
    program.snapshot(state, program.world.slot(path, 'test').index).context as Record<string, unknown>;
  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    const threads = program.world.threads.map((_, i) => i);
    if (threads.some((i) => program.anyEnabled(state, i))) continue;
    const owners = ['board.l0', 'board.l1'].map((lock) =>
      part(lock).owner === null ? null : Number(String(part(lock).owner).slice(1)),
    );
    const ended = threads.map((i) => program.position(state, i).status === 'ended');
    ends.add(JSON.stringify([[part('board.c0').value, part('board.c1').value], owners, part('board.done').done, ended]));
  }
  return ends;
}

testProp(
  'the search reaches the end states that an interpreter reaches, and no others',
  [programs],
  (t, threads) => {
    const explored = exploreAll(variantOf(threads));
    const { ends, badUnlocks } = interpret(threads);
    t.deepEqual([...endsOf(explored)].toSorted(), [...ends].toSorted());
    t.is(
      explored.judge.faults.some(({ kind }) => kind === 'unlock-imbalance'),
      badUnlocks,
    );
  },
  { numRuns: 400 },
);

testProp(
  'a random run on live actors ends in a state that the search has visited, and its schedule replays it step by step',
  [programs, fc.integer()],
  async (t, threads, seed) => {
    const design = variantOf(threads);
    const { program, visited } = exploreAll(design);
    const run = await new LiveRun(design).run(random(seed));
    const again = await new LiveRun(design).run(replay(runsOf(run)));
    t.deepEqual(again, run);
    const state = new Int32Array(program.width);
    const met = Array.from({ length: visited.size }, (_, id) => id).some((id) => {
      visited.get(id, state);
      return run.positions.every((key, i) => program.position(state, i).key === key);
    });
    t.true(met);
  },
  { numRuns: 60 },
);
