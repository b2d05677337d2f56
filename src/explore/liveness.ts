/**
 * What can go on for ever: operations that never end although every thread gets its turn, and tasks that are never
 * woken while others go on.
 *
 * A run is fair if a thread that can always move does move (weakly, for all), and if a thread that can take a lock
 * again and again does take it (strongly, for acquires: with weak fairness alone every contended lock in a loop would
 * be a false alarm). Searched on the whole graph, never on a reduced one.
 */
import type { Position } from '../tables/program.ts';
import type { Choice } from './choice.ts';
import type { Explored } from './plain-search.ts';
import { type Part, StateGraph } from './state-graph.ts';

/** A way to a loop, and the loop. */
export interface Lasso {
  readonly kind: 'starvation' | 'hung-task';
  readonly thread: number;
  /** States that lie on such loops: any of them may be where the lasso closes. */
  readonly states: ReadonlySet<number>;
  /** The loop from a state of the component back to it, giving each thread its turn. */
  loopFrom(state: number): readonly Choice[];
}

export function findLassos(explored: Explored, part: Part): readonly Lasso[] {
  if (!explored.program.hasLoops || explored.cut !== null) return [];
  const graph = new StateGraph(explored, part);
  const components = graph.components(ids(graph.size), () => true);
  const cyclic = components.filter((component) => isCyclic(graph, component, () => true));
  return tasks(graph).flatMap((thread) => {
    const mayMove = movesFrom(graph, components, thread);
    const hung = cyclic.filter(([id]) => !mayMove.has(id as number));
    const others = cyclic.filter(([id]) => mayMove.has(id as number));
    return [
      ...endlessIn(graph, 'hung-task', thread, hung, () => true),
      ...endlessIn(graph, 'starvation', thread, others, inOneCall(graph, thread)),
    ];
  });
}

const tasks = ({ program }: StateGraph): readonly number[] =>
  program.world.threads.flatMap(({ kind }, thread) => (kind === 'task' ? [thread] : []));

function* ids(size: number): Generator<number> {
  for (let id = 0; id < size; id++) yield id;
}

type Follows = (from: number, n: number) => boolean;

function isCyclic(graph: StateGraph, component: readonly number[], follows: Follows): boolean {
  if (component.length > 1) return true;
  const [only] = component as [number];
  for (let n = 0; n < graph.degree(only); n++) if (graph.to(only, n) === only && follows(only, n)) return true;
  return false;
}

/** The states from which, on some way, the thread moves again. What comes after a finding may move anybody. */
function movesFrom(graph: StateGraph, components: readonly (readonly number[])[], thread: number): ReadonlySet<number> {
  const moves = new Set<number>();
  // Successors come first, so one pass suffices.
  for (const component of components) {
    const can = component.some((id) => {
      if (graph.isEnabled(id, thread) || graph.leavesAt(id)) return true;
      for (let n = 0; n < graph.degree(id); n++) if (moves.has(graph.to(id, n))) return true;
      return false;
    });
    if (can) for (const id of component) moves.add(id);
  }
  return moves;
}

/** All steps but those with which a call of the thread returns. */
const inOneCall =
  (graph: StateGraph, thread: number): Follows =>
  (from, n) => {
    const { choice, returned } = graph.step(from, n);
    return choice.thread !== thread || !returned;
  };

/** For each call of the thread, the fair loop nearest to the start in which that call never returns. */
function endlessIn(
  graph: StateGraph,
  kind: Lasso['kind'],
  thread: number,
  cyclic: readonly (readonly number[])[],
  follows: Follows,
): readonly Lasso[] {
  const byCall = new Map<number, readonly number[]>();
  for (const component of cyclic) {
    const running = component.filter((id) => graph.position(id, thread).status === 'running');
    for (const fair of fairIn(graph, running, follows)) {
      const { call } = graph.position(fair[0] as number, thread).root;
      const nearest = byCall.get(call);
      if (nearest === undefined || earliest(fair) < earliest(nearest)) byCall.set(call, fair);
    }
  }
  return [...byCall.values()].map((component) => lasso(graph, kind, thread, component, follows));
}

const earliest = (component: readonly number[]): number => component.reduce((least, id) => Math.min(least, id));

/** The components, among these states, on which a fair run can stay for ever. */
function fairIn(graph: StateGraph, states: readonly number[], follows: Follows): readonly (readonly number[])[] {
  const inside = new Set(states);
  const within: Follows = (from, n) => inside.has(graph.to(from, n)) && follows(from, n);
  return graph.components(states, within).flatMap((component) => {
    if (!isCyclic(graph, component, within)) return [];
    const members = new Set(component);
    const stays: Follows = (from, n) => members.has(graph.to(from, n)) && follows(from, n);
    const movers = moversIn(graph, component, stays);
    const refused: number[] = [];
    for (let thread = 0; thread < graph.program.threads; thread++) {
      if (!movers.has(thread) && component.every((id) => graph.isEnabled(id, thread))) return [];
      const taken = acquiresTaken(graph, component, stays, thread);
      for (const id of component) if (graph.couldAcquire(id, thread) && !taken.has(graph.position(id, thread))) refused.push(id);
    }
    if (refused.length === 0) return [component];
    const without = new Set(refused);
    return fairIn(
      graph,
      component.filter((id) => !without.has(id)),
      follows,
    );
  });
}

/** The acquires of a thread that are made somewhere on the component: another way out of one, a signal, does not count. */
function acquiresTaken(graph: StateGraph, component: readonly number[], stays: Follows, thread: number): ReadonlySet<Position> {
  const taken = new Set<Position>();
  for (const id of component) {
    if (!graph.couldAcquire(id, thread)) continue;
    for (let n = 0; n < graph.degree(id); n++) {
      const { choice } = graph.step(id, n);
      const position = graph.position(id, thread);
      if (choice.thread === thread && choice.way === position.acquires?.way && stays(id, n)) taken.add(position);
    }
  }
  return taken;
}

function moversIn(graph: StateGraph, component: readonly number[], stays: Follows): ReadonlySet<number> {
  const movers = new Set<number>();
  for (const id of component)
    for (let n = 0; n < graph.degree(id); n++) if (stays(id, n)) movers.add(graph.step(id, n).choice.thread);
  return movers;
}

function lasso(graph: StateGraph, kind: Lasso['kind'], thread: number, component: readonly number[], follows: Follows): Lasso {
  const states = new Set(component);
  const stays: Follows = (from, n) => states.has(graph.to(from, n)) && follows(from, n);
  return { kind, thread, states, loopFrom: (state) => roundTrip(graph, component, stays, state) };
}

/** A closed walk in which each thread either moves or is seen unable to. */
function roundTrip(graph: StateGraph, component: readonly number[], stays: Follows, from: number): readonly Choice[] {
  const movers = moversIn(graph, component, stays);
  const walk: Choice[] = [];
  let at = from;
  const moved = new Set<number>();
  const idle = new Set<number>();
  const look = (id: number) => {
    for (let thread = 0; thread < graph.program.threads; thread++) if (!graph.isEnabled(id, thread)) idle.add(thread);
  };
  const go = (path: { readonly choices: readonly Choice[]; readonly states: readonly number[] }) => {
    walk.push(...path.choices);
    for (const { thread } of path.choices) moved.add(thread);
    for (const id of path.states) look(id);
    at = path.states.at(-1) ?? at;
  };
  look(at);
  for (let thread = 0; thread < graph.program.threads; thread++) {
    if (movers.has(thread) ? moved.has(thread) : idle.has(thread)) continue;
    go(
      movers.has(thread)
        ? shortest(graph, stays, at, (_, choice) => choice.thread === thread)
        : shortest(graph, stays, at, (to) => !graph.isEnabled(to, thread)),
    );
  }
  if (at !== from || walk.length === 0) go(shortest(graph, stays, at, (to) => to === from));
  return walk;
}

/** The shortest walk of at least one step to a step that is wanted. */
function shortest(graph: StateGraph, stays: Follows, from: number, wanted: (to: number, choice: Choice) => boolean) {
  const came = new Map<number, { readonly id: number; readonly choice: Choice }>();
  const queue = [from];
  const back = (last: { readonly to: number; readonly from: number; readonly choice: Choice }) => {
    const choices = [last.choice];
    const states = [last.to];
    for (let id = last.from; id !== from; ) {
      const step = came.get(id) as { id: number; choice: Choice };
      choices.unshift(step.choice);
      states.unshift(id);
      id = step.id;
    }
    return { choices, states };
  };
  for (const id of queue)
    for (let n = 0; n < graph.degree(id); n++) {
      if (!stays(id, n)) continue;
      const { to, choice } = graph.step(id, n);
      if (wanted(to, choice)) return back({ to, from: id, choice });
      if (to === from || came.has(to)) continue;
      came.set(to, { id, choice });
      queue.push(to);
    }
  throw new RangeError('a component is not connected');
}
