/**
 * What can go on for ever: operations that never end although every thread gets its turn, and tasks that are never
 * woken while others go on.
 *
 * A run is fair if a thread that can always move does move (weakly, for all), and if a thread that can take a lock
 * again and again does take it (strongly, for acquires: with weak fairness alone every contended lock in a loop would
 * be a false alarm). Searched on the whole graph, never on a reduced one.
 */
import type { Choice, Explored } from './plain-search.ts';
import { StateGraph } from './state-graph.ts';

/** A way to a loop, and the loop. */
export interface Lasso {
  readonly kind: 'starvation' | 'hung-task';
  readonly thread: number;
  /** States that lie on such loops: any of them may be where the lasso closes. */
  readonly states: ReadonlySet<number>;
  /** The loop from a state of the component back to it, giving each thread its turn. */
  loopFrom(state: number): readonly Choice[];
}

export function findLassos(explored: Explored): readonly Lasso[] {
  if (!explored.program.hasLoops || explored.cut !== null) return [];
  const graph = new StateGraph(explored);
  const all = graph.components(ids(graph.size), () => true).filter((component) => isCyclic(graph, component, () => true));
  const lassos: Lasso[] = [];
  for (const thread of tasks(graph)) {
    const hung = hungIn(graph, all, thread);
    if (hung !== null) lassos.push(lasso(graph, 'hung-task', thread, hung, () => true));
    else lassos.push(...starvedIn(graph, all, thread));
  }
  return lassos;
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

/** A loop that others can go round, from which the thread, still in its operation, can never move again. */
function hungIn(graph: StateGraph, cyclic: readonly (readonly number[])[], thread: number): readonly number[] | null {
  const moves = new Set<number>();
  const components = graph.components(ids(graph.size), () => true);
  // Successors come first, so one pass suffices.
  for (const component of components) {
    const can = component.some((id) => {
      if (graph.isEnabled(id, thread)) return true;
      for (let n = 0; n < graph.degree(id); n++) if (moves.has(graph.to(id, n))) return true;
      return false;
    });
    if (can) for (const id of component) moves.add(id);
  }
  // Where a fair run cannot stay it goes on, in the end to a loop where it can, or to a state that is a deadlock.
  const candidates = cyclic.filter(
    ([id]) => id !== undefined && !moves.has(id) && graph.position(id, thread).status === 'running',
  );
  return earliest(candidates.flatMap((component) => fairIn(graph, component, () => true)));
}

const earliest = (components: readonly (readonly number[])[]): readonly number[] | null =>
  components.toSorted((a, b) => Math.min(...a) - Math.min(...b))[0] ?? null;

/** For each call of the thread, the fair loop nearest to the start in which that call never returns. */
function starvedIn(graph: StateGraph, cyclic: readonly (readonly number[])[], thread: number): readonly Lasso[] {
  const byCall = new Map<number, (readonly number[])[]>();
  const sameCall: Follows = (from, n) => {
    const { to, choice } = graph.step(from, n);
    if (choice.thread !== thread) return true;
    const after = graph.position(to, thread);
    // A call that has just begun has had no reply yet: the one before has returned.
    return after.status === 'running' && after.log.length > 0;
  };
  for (const component of cyclic) {
    const running = component.filter((id) => graph.position(id, thread).status === 'running');
    for (const fair of fairIn(graph, running, sameCall)) {
      const { call } = graph.position(fair[0] as number, thread).root;
      byCall.set(call, [...(byCall.get(call) ?? []), fair]);
    }
  }
  return [...byCall.values()].map((components) =>
    lasso(graph, 'starvation', thread, earliest(components) as readonly number[], sameCall),
  );
}

/** The components, among these states, on which a fair run can stay for ever. */
function fairIn(graph: StateGraph, states: readonly number[], follows: Follows): readonly (readonly number[])[] {
  const inside = new Set(states);
  const within: Follows = (from, n) => inside.has(graph.to(from, n)) && follows(from, n);
  return graph.components(states, within).flatMap((component) => {
    if (!isCyclic(graph, component, within)) return [];
    const members = new Set(component);
    const stays: Follows = (from, n) => members.has(graph.to(from, n)) && follows(from, n);
    let refused: number[] = [];
    for (let thread = 0; thread < graph.program.threads; thread++) {
      if (moversIn(graph, component, stays).has(thread)) continue;
      if (component.every((id) => graph.isEnabled(id, thread))) return [];
      refused = refused.concat(component.filter((id) => graph.isEnabled(id, thread) && graph.position(id, thread).acquires));
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
