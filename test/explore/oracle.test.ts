/**
 * The searches against brute force, on random programs over random machines: every schedule is played one by one on plain
 * objects, without tables, visited states or XState, and every set of states is tried as a place to stay for ever.
 */
import { fc, testProp } from '@fast-check/ava';
import { type Message, message, type Operation, oneOf, send } from '../../actors/step.ts';
import { globals, type Handle, type HandleTo, part, type Protocol } from '../../machines/object.ts';
import { type Lasso, findLassos } from '../../src/explore/liveness.ts';
import { type Explored, explore } from '../../src/explore/plain-search.ts';
import {
  call,
  checkVariant,
  formatSchedule,
  LiveRun,
  parseSchedule,
  replay,
  task,
  type Variant,
  variant,
} from '../../src/index.ts';
import { leaveOut } from '../../src/model/leave-out.ts';
import { Program } from '../../src/tables/program.ts';
import { checkTiny, scenarioOf } from '../helpers/tiny.ts';
import { machineOf, type Table, tables, textOf } from '../helpers/random-machines.ts';

const VALUES = 6;
const EVENTS = 4;
const table = (splats: boolean) => tables({ values: VALUES, events: EVENTS, quiet: splats ? 10 : null, goesOn: 3 });

const objectOf = (rows: readonly Table[]) =>
  globals(
    'o',
    Object.fromEntries(rows.map((row, i) => [`o${i}`, part<Protocol, object>(machineOf(i, row) as never, { low: 0, high: 0 })])),
  );
type Random = HandleTo<ReturnType<typeof objectOf>>;

/** One step: what is said to whom, in one way or in either of two. Taken with reply 1, the next step is skipped. */
interface Say {
  readonly object: number;
  readonly event: number;
  /** Something is said to the other object in the same step. */
  readonly also: number | null;
  readonly means: 'update' | 'acquire' | 'release';
}
type Instruction = readonly [Say] | readonly [Say, Say];
const say = (means: fc.Arbitrary<Say['means']>): fc.Arbitrary<Say> =>
  fc.record({ object: fc.nat(1), event: fc.nat(EVENTS - 1), also: fc.option(fc.nat(EVENTS - 1), { freq: 2 }), means });
const instruction = (means: fc.Arbitrary<Say['means']>): fc.Arbitrary<Instruction> =>
  fc.oneof({ weight: 4, arbitrary: fc.tuple(say(means)) }, { weight: 1, arbitrary: fc.tuple(say(means), say(means)) });

const eventOf = ({ event }: Say): string => `e${event}`;
const messagesOf = (o: Random, { object, event, also, means }: Say): readonly [Message, ...Message[]] => {
  const at = (i: number) => o[`o${i}`] as Handle<Protocol>;
  const first = message(means, at(object), `e${event}`);
  return also === null ? [first] : [first, message('update', at(1 - object), `e${also}`)];
};

function* play(o: Random, code: readonly Instruction[]): Operation {
  for (let pc = 0; pc < code.length; pc++) {
    const [first, second] = code[pc] as Instruction;
    const reply =
      second === undefined
        ? yield* send<number>(...messagesOf(o, first))
        : (yield* oneOf({ a: messagesOf(o, first), b: messagesOf(o, second) })).reply;
    if (reply === 1) pc++;
  }
}

/** The same without any of the machinery. */
interface State {
  readonly values: readonly number[];
  readonly pcs: readonly number[];
  readonly stopped: readonly boolean[];
  /** For each thread the objects that it holds. */
  readonly held: readonly (readonly number[])[];
}
interface Taken {
  readonly state: State;
  readonly splats: readonly string[];
  readonly returned: boolean;
}

/** @returns null where the way is not enabled */
function take(tables: readonly Table[], code: readonly Instruction[], state: State, thread: number, way: Say): Taken | null {
  // A step goes by the name of its first way.
  const [named] = code[state.pcs[thread] as number] as Instruction;
  const said = [way.object, ...(way.also === null ? [] : [1 - way.object])];
  const events = [way.event, ...(way.also === null ? [] : [way.also])];
  const effects = said.map((object, i) => tables[object]?.[events[i] as number]?.[state.values[object] as number] ?? null);
  if (effects.includes(null)) return null;
  const stops = effects.some((one) => one?.splat === 'oops');
  const pc = (state.pcs[thread] as number) + (effects[0]?.reply === 1 ? 2 : 1);
  let mine = state.held[thread] as readonly number[];
  if (!stops && way.means === 'acquire') mine = [...mine, way.object].toSorted((a, b) => a - b);
  if (!stops && way.means === 'release') {
    const at = mine.lastIndexOf(way.object);
    mine = mine.filter((_, i) => i !== at);
  }
  return {
    state: {
      values: state.values.map((value, object) => effects[said.indexOf(object)]?.to ?? value),
      pcs: state.pcs.map((old, t) => (t !== thread || stops ? old : Math.min(pc, code.length))),
      stopped: state.stopped.map((old, t) => old || (t === thread && stops)),
      held: state.held.map((old, t) => (t === thread ? mine : old)),
    },
    splats: effects.flatMap((one, i) =>
      one?.splat === 'none' ? [] : [`${textOf(said[i] as number, events[i] as number)} ${eventOf(named)}`],
    ),
    returned: !stops && pc >= code.length,
  };
}

interface Case {
  readonly tables: readonly Table[];
  readonly threads: readonly (readonly Instruction[])[];
  /** The invariant: o0 never has this value. */
  readonly never: number;
}

const begin = ({ threads, tables }: Pick<Case, 'threads' | 'tables'>): State => ({
  values: tables.map(() => 0),
  pcs: threads.map(() => 0),
  stopped: threads.map(() => false),
  held: threads.map(() => []),
});

/** Fewest preemptions, then threads, then steps. */
type Cost = readonly [preemptions: number, threads: number, steps: number];
const cheaper = (a: Cost, b: Cost | undefined): boolean =>
  b === undefined || a[0] < b[0] || (a[0] === b[0] && (a[1] < b[1] || (a[1] === b[1] && a[2] < b[2])));

/** Plays every schedule. @returns by finding the cheapest run on which it comes first, and all that ever come */
function bruteForce({ tables, threads, never }: Case) {
  const best = new Map<string, Cost>();
  const all = new Set<string>();
  let runs = 0;
  const waysOf = (state: State, thread: number) => {
    const code = threads[thread] as readonly Instruction[];
    if (state.stopped[thread]) return [];
    return (code[state.pcs[thread] as number] ?? []).flatMap((way) => take(tables, code, state, thread, way) ?? []);
  };
  const meet = (found: readonly string[], isFirst: boolean, cost: Cost) => {
    for (const one of found) {
      all.add(one);
      if (isFirst && cheaper(cost, best.get(one))) best.set(one, cost);
    }
  };
  const visit = (state: State, last: number | null, moved: number, preemptions: number, steps: number, clean: boolean) => {
    if (++runs > 60_000) return;
    const cost = (more: number, thread: number | null): Cost => [
      preemptions + more,
      threads.filter((_, t) => (moved & (1 << t)) !== 0 || t === thread).length,
      steps + (thread === null ? 0 : 1),
    ];
    const wrong = state.values[0] === never ? ['invariant'] : [];
    meet(wrong, clean, cost(0, null));
    const isFirst = clean && wrong.length === 0;
    const ways = threads.map((_, thread) => waysOf(state, thread));
    if (ways.every(({ length }) => length === 0)) {
      const stuck = threads.flatMap((code, t) => {
        const now = state.stopped[t] ? undefined : code[state.pcs[t] as number];
        return now === undefined ? [] : [`${eventOf(now[0])} o.o${now[0].object}`];
      });
      if (stuck.length > 0) meet([`deadlock ${stuck.toSorted().join(', ')}`], isFirst, cost(0, null));
    }
    for (const [thread, those] of ways.entries())
      for (const { state: next, splats } of those) {
        const preempts = last !== null && last !== thread && (ways[last]?.length ?? 0) > 0 ? 1 : 0;
        meet(splats, isFirst, cost(preempts, thread));
        visit(next, thread, moved | (1 << thread), preemptions + preempts, steps + 1, isFirst && splats.length === 0);
      }
  };
  visit(begin({ threads, tables }), null, 0, 0, 0, true);
  return { best, all, isComplete: runs <= 60_000 };
}

const update = fc.constant('update' as const);
const cases: fc.Arbitrary<Case> = fc.record({
  tables: fc.tuple(table(true), table(true)),
  threads: fc.array(fc.array(instruction(update), { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 }),
  never: fc.integer({ min: 1, max: VALUES * 2 }),
});

const variantOf = ({ tables, threads, never }: Case): Variant =>
  variant({
    objects: { o: objectOf(tables) },
    threads: ({ o }) => Object.fromEntries(threads.map((code, t) => [`t${t}`, [call(play, o, code)]])),
    always: {
      invariant: ({ o }) => {
        const { low, high } = o.o0 as unknown as { readonly low: number; readonly high: number };
        return high * 2 + low !== never;
      },
    },
    expect: [],
  });

testProp(
  'what is found, and whether it can come first, is what playing every schedule finds; and no schedule is better than the best',
  [cases],
  async (t, program) => {
    const { best, all, isComplete } = bruteForce(program);
    fc.pre(isComplete);
    const design = variantOf(program);
    const scenario = scenarioOf({ it: design });
    const { findings, consequences, exhaustive } = await checkVariant(scenario, 'it', { maxStates: 100_000, shrink: false });
    t.true(exhaustive);
    const keyOf = ({ kind, fault }: (typeof findings)[number]): string => {
      if (kind === 'invariant') return 'invariant';
      if (kind === 'deadlock')
        return `deadlock ${fault.sites
          .map(({ event, object }) => `${event} ${object}`)
          .toSorted()
          .join(', ')}`;
      return `${fault.text} ${fault.sites[0]?.event}`;
    };
    const costOf = ({ preemptions, threads, trace }: (typeof findings)[number]): Cost => [
      preemptions,
      threads.length,
      trace?.steps.length ?? -1,
    ];
    t.deepEqual(
      findings.map((finding) => [keyOf(finding), ...costOf(finding)].join(' ')).toSorted(),
      [...best].map(([key, cost]) => [key, ...cost].join(' ')).toSorted(),
    );
    t.true(findings.every(({ proven }) => proven));
    t.deepEqual(consequences.map(keyOf).toSorted(), [...all].filter((key) => !best.has(key)).toSorted());
    const smaller = (await checkTiny(design)).findings;
    t.deepEqual(
      smaller.map(({ id }) => id),
      findings.map(({ id }) => id),
    );
    for (const { schedule, trace } of [...findings, ...smaller, ...consequences]) {
      if (schedule === null || trace === null || trace.steps.length === 0) continue;
      const again = parseSchedule(formatSchedule(schedule));
      t.deepEqual(again, schedule);
      const strategy = replay(again);
      t.deepEqual((await new LiveRun(leaveOut(design, schedule.without)).run(strategy)).steps, trace.steps);
      t.is(strategy.diverged, null);
    }
  },
  { numRuns: Number(process.env['ORACLE_RUNS'] ?? 150) },
);

const lockish = fc.constantFrom('update' as const, 'acquire' as const, 'release' as const);
/** Threads that go round for ever, each in one or two calls. */
const rounds = fc.record({
  tables: fc.tuple(table(false), table(false)),
  threads: fc.array(fc.array(fc.array(instruction(lockish), { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }), {
    minLength: 2,
    maxLength: 3,
  }),
});
type Rounds = typeof rounds extends fc.Arbitrary<infer T> ? T : never;

const MOST_STATES = 11;

interface Node {
  readonly state: State;
  readonly calls: readonly number[];
}
interface Edge {
  readonly to: number;
  readonly thread: number;
  readonly way: number;
  readonly returned: boolean;
}

/** @returns null where there are more states than subsets of them can be tried */
function graphOf({ tables, threads }: Rounds) {
  const codeOf = ({ calls }: Node, thread: number) => threads[thread]?.[calls[thread] as number] as readonly Instruction[];
  const nodes: Node[] = [{ state: begin({ tables, threads: threads.map(() => []) }), calls: threads.map(() => 0) }];
  const known = new Map([[JSON.stringify(nodes[0]), 0]]);
  const edges: (readonly Edge[])[] = [];
  /** The way of the thread's step that takes a lock, if there is one. */
  const acquireOf = (node: Node, thread: number) => {
    const ways: readonly Say[] = codeOf(node, thread)[node.state.pcs[thread] as number] as Instruction;
    const way = ways.findIndex(({ means }) => means === 'acquire');
    return way < 0 ? null : { step: ways, way, object: (ways[way] as Say).object };
  };
  const isWrong = (node: Node): boolean =>
    threads.some((_, thread) => {
      const acquire = acquireOf(node, thread);
      return (
        acquire !== null &&
        (node.state.held[thread] as readonly number[]).includes(acquire.object) &&
        edgesOf(node, thread).length === 0
      );
    });
  const edgesOf = (node: Node, thread: number) => {
    const code = codeOf(node, thread);
    return (code[node.state.pcs[thread] as number] ?? []).flatMap((say, way) => {
      const taken = take(tables, code, node.state, thread, say);
      return taken === null ? [] : [{ taken, way }];
    });
  };
  let keepsLocks = false;
  for (let id = 0; id < nodes.length; id++) {
    const node = nodes[id] as Node;
    if (nodes.length > MOST_STATES || isWrong(node) || keepsLocks) return null;
    edges.push(
      threads.flatMap((calls, thread) =>
        edgesOf(node, thread).map(({ taken: { state, returned }, way }) => {
          keepsLocks ||= returned && (state.held[thread] as readonly number[]).length > 0;
          const next: Node = {
            state: { ...state, pcs: state.pcs.map((pc, i) => (returned && i === thread ? 0 : pc)) },
            calls: node.calls.map((old, i) => (returned && i === thread ? (old + 1) % calls.length : old)),
          };
          const key = JSON.stringify(next);
          let to = known.get(key);
          if (to === undefined) known.set(key, (to = nodes.push(next) - 1));
          return { to, thread, way, returned };
        }),
      ),
    );
  }
  if (keepsLocks) return null;
  return { nodes, edges, acquireAt: (id: number, thread: number) => acquireOf(nodes[id] as Node, thread) };
}

/** Tries every set of states as the one that a fair run stays in for ever, and keeps a call of a thread from returning. */
function neverEnding({ threads }: Rounds, { nodes, edges, acquireAt }: NonNullable<ReturnType<typeof graphOf>>) {
  const found = new Set<string>();
  const reach = (from: number): ReadonlySet<number> => {
    const seen = new Set([from]);
    for (const id of seen) for (const { to } of edges[id] as readonly Edge[]) seen.add(to);
    return seen;
  };
  const canMove = threads.map((_, thread) =>
    nodes.map((_, id) => [...reach(id)].some((at) => edges[at]?.some((edge) => edge.thread === thread))),
  );
  for (let set = 1; set < 1 << nodes.length; set++) {
    const members = nodes.flatMap((_, id) => ((set & (1 << id)) !== 0 ? [id] : []));
    for (const [starved] of threads.entries()) {
      const inner = (id: number) =>
        (edges[id] as readonly Edge[]).filter(
          (edge) => (set & (1 << edge.to)) !== 0 && !(edge.thread === starved && edge.returned),
        );
      const isOneLoop = members.every((id) => {
        const seen = new Set(inner(id).map(({ to }) => to));
        for (const at of seen) for (const { to } of inner(at)) seen.add(to);
        return members.every((other) => seen.has(other));
      });
      if (!isOneLoop) continue;
      const isFair = threads.every((_, thread) => {
        const moves = members.some((id) => inner(id).some((edge) => edge.thread === thread));
        if (!moves && members.every((id) => edges[id]?.some((edge) => edge.thread === thread))) return false;
        // Who could take a lock again and again takes it.
        return members.every((id) => {
          const takes = (edge: Edge, way: number) => edge.thread === thread && edge.way === way;
          const acquire = acquireAt(id, thread);
          if (acquire === null || !edges[id]?.some((edge) => takes(edge, acquire.way))) return true;
          return members.some(
            (at) => acquireAt(at, thread)?.step === acquire.step && inner(at).some((edge) => takes(edge, acquire.way)),
          );
        });
      });
      const [some] = members as [number];
      const kind = canMove[starved]?.[some] ? 'starvation' : 'hung-task';
      if (isFair) found.add(`${kind} t${starved} call ${nodes[some]?.calls[starved]}`);
    }
  }
  return found;
}

function exploreAll(design: Variant): Explored {
  const search = explore(new Program(design), design, { maxStates: 10_000 });
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

const describeLasso = ({ program, visited }: Explored, { kind, thread, states }: Lasso): string => {
  const state = new Int32Array(program.width);
  visited.get(Math.min(...states), state);
  return `${kind} t${thread} call ${program.position(state, thread).root.call}`;
};

testProp(
  'what can go on for ever is what trying every set of states finds',
  [rounds],
  (t, program) => {
    const graph = graphOf(program);
    fc.pre(graph !== null);
    const design = variant({
      objects: { o: objectOf(program.tables) },
      threads: ({ o }) =>
        Object.fromEntries(
          program.threads.map((calls, i) => [
            `t${i}`,
            task(
              calls.map((code) => call(play, o, code)),
              { forever: true },
            ),
          ]),
        ),
      expect: [],
    });
    const explored = exploreAll(design);
    const lassos = findLassos(explored, 'before any finding');
    t.deepEqual(lassos.map((lasso) => describeLasso(explored, lasso)).toSorted(), [...neverEnding(program, graph)].toSorted());
  },
  { numRuns: Number(process.env['ORACLE_RUNS'] ?? 150) },
);
