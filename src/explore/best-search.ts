/**
 * The best counterexamples: fewest preemptions, then fewest threads, then fewest steps. Of all schedules that are equal
 * in these, it is the least: at the first choice in which two differ, that of the earlier thread in the scenario, and of
 * one thread the earlier way.
 *
 * A search of its own on the unreduced graph, for a reduction keeps the findings and not the ways that lead to them with
 * few preemptions. Its nodes are a state, the thread that ran last and the threads that have moved: what a schedule will
 * still cost depends on nothing else. So each node keeps only its best schedule. Nodes are visited in the order of their
 * cost, in rounds of equal preemptions, and one search serves many goals: it ends when none can be met more cheaply.
 */
import type { Program } from '../tables/program.ts';
import type { Choice } from './choice.ts';
import { type Judge, RACE } from './judge.ts';
import { layoutOf } from './layout.ts';
import { NumberedSet } from './numbered-set.ts';
import { CoEnabled, type Meeting } from './races/co-enabled.ts';
import type { Groups } from './visited-set.ts';

export interface Counterexample {
  readonly choices: readonly Choice[];
  readonly preemptions: number;
  /** Nothing with fewer preemptions leads there: false where the search was given up before it knew. */
  readonly proven: boolean;
}

/**
 * What is looked for: a fault, of a step or of a state, by its key, or two steps that race, one after the other; or a state
 * that is wanted for another reason.
 */
export type Goal = { readonly fault: string } | { readonly state: (state: Int32Array) => boolean };

/** What a schedule costs, the dearest first. */
export interface Cost {
  readonly preemptions: number;
  readonly threads: number;
  readonly steps: number;
}

export interface Bounds {
  /** Ways on which another finding comes first do not count. */
  readonly primary: boolean;
  readonly maxNodes: number;
  /** Nothing that costs more is of interest. */
  readonly within?: Cost;
}

export interface Best {
  /** For each goal; null where there is none, or the search was given up before it met one. */
  readonly found: readonly (Counterexample | null)[];
  readonly nodes: number;
}

const dearer = (a: Cost, b: Cost): number => a.preemptions - b.preemptions || a.threads - b.threads || a.steps - b.steps;

const UNBOUNDED: Cost = { preemptions: Infinity, threads: Infinity, steps: Infinity };

const NOBODY = -1;
const ROOT = 0;

/** Choices as integers that sort as schedules do: by thread, then by way. */
const WAY_BITS = 16;
const encode = (thread: number, way: number): number => (thread << WAY_BITS) | way;
const decode = (choice: number): Choice => ({ thread: choice >> WAY_BITS, way: choice & ((1 << WAY_BITS) - 1) });

/** Nodes with the best schedule that is known of each, as a tree. */
class Nodes {
  readonly visited: NumberedSet;
  preemptions = new Int32Array(1 << 10);
  steps = new Int32Array(1 << 10);
  private parent = new Int32Array(1 << 10);
  private choice = new Int32Array(1 << 10);

  constructor(width: number, groups: Groups) {
    this.visited = new NumberedSet(width, groups);
  }

  /**
   * @param added what the set of vectors said of it
   * @returns the node if it has to be visited at this cost, else -1
   */
  reach(added: number, preemptions: number, steps: number, parent: number, choice: number): number {
    const id = added < 0 ? ~added : added;
    if (added >= 0) {
      const more = preemptions - (this.preemptions[id] as number) || steps - (this.steps[id] as number);
      if (more > 0) return -1;
      if (more === 0) {
        if (!this.isBefore(parent, choice, this.parent[id] as number, this.choice[id] as number)) return -1;
        this.parent[id] = parent;
        this.choice[id] = choice;
        return -1;
      }
    }
    if (id >= this.parent.length) this.grow();
    this.preemptions[id] = preemptions;
    this.steps[id] = steps;
    this.parent[id] = parent;
    this.choice[id] = choice;
    return id;
  }

  /**
   * Whether one schedule is less than another of as many steps. Both nodes have been visited, so the schedules that lead
   * to them are final, and the two differ first where they last have a node in common.
   */
  isBefore(one: number, choice: number, other: number, otherChoice: number): boolean {
    while (one !== other) {
      choice = this.choice[one] as number;
      otherChoice = this.choice[other] as number;
      one = this.parent[one] as number;
      other = this.parent[other] as number;
    }
    return choice < otherChoice;
  }

  /** How the node was come to. */
  lastOf(id: number): { readonly parent: number; readonly choice: number } {
    return { parent: this.parent[id] as number, choice: this.choice[id] as number };
  }

  pathTo(id: number): Choice[] {
    const path: Choice[] = [];
    for (let at = id; at > ROOT; at = this.parent[at] as number) path.push(decode(this.choice[at] as number));
    return path.toReversed();
  }

  private grow(): void {
    this.preemptions = doubled(this.preemptions);
    this.steps = doubled(this.steps);
    this.parent = doubled(this.parent);
    this.choice = doubled(this.choice);
  }
}

const doubled = (old: Int32Array<ArrayBuffer>, fill = 0): Int32Array<ArrayBuffer> => {
  const longer = new Int32Array(old.length * 2).fill(fill, old.length);
  longer.set(old);
  return longer;
};

/**
 * The nodes to be visited at one number of preemptions, by threads and steps. A node that was reached more cheaply since
 * still stands where it was put first: whoever takes it out compares.
 */
class Round {
  /** By threads and steps the entry that was put in last; entries are linked lists. */
  private heads: Int32Array<ArrayBuffer>[] = [];
  private node = new Int32Array(1 << 10);
  private below = new Int32Array(1 << 10);
  private used = 0;

  get isEmpty(): boolean {
    return this.used === 0;
  }

  put(threads: number, steps: number, node: number): void {
    while (this.heads.length <= threads) this.heads.push(new Int32Array(64).fill(-1));
    let head = this.heads[threads] as Int32Array<ArrayBuffer>;
    while (steps >= head.length) this.heads[threads] = head = doubled(head, -1);
    if (this.used === this.node.length) {
      this.node = doubled(this.node);
      this.below = doubled(this.below);
    }
    this.node[this.used] = node;
    this.below[this.used] = head[steps] as number;
    head[steps] = this.used++;
  }

  /** In the order of threads, then steps. What is put in meanwhile has more steps than what is taken out. */
  *cells(): Generator<{ readonly threads: number; readonly steps: number; readonly entry: number }> {
    for (let threads = 0; threads < this.heads.length; threads++)
      for (let steps = 0; steps < (this.heads[threads] as Int32Array).length; steps++) {
        const entry = (this.heads[threads] as Int32Array)[steps] as number;
        if (entry >= 0) yield { threads, steps, entry };
      }
  }

  nodeAt(entry: number): number {
    return this.node[entry] as number;
  }

  /** The next entry of the same cell, or -1. */
  after(entry: number): number {
    return this.below[entry] as number;
  }

  clear(): void {
    for (const head of this.heads) head.fill(-1);
    this.used = 0;
  }
}

/** The cheapest way that is known to one goal. */
interface Candidate extends Cost {
  readonly parent: number;
  readonly choice: number;
  /** Where a goal takes two steps from the node, the second. */
  readonly second?: number;
}

/** The goals, and which of them are open: one is settled once nothing cheaper can come. */
class Goals {
  private readonly nodes: Nodes;
  private readonly judge: Judge;
  private readonly within: Cost;
  private readonly best: (Candidate | null)[];
  private readonly byKey = new Map<string, number[]>();
  private readonly byFault: (readonly number[])[] = [];
  private readonly byState: (readonly [goal: number, isWanted: (state: Int32Array) => boolean])[] = [];

  constructor(goals: readonly Goal[], within: Cost, judge: Judge, nodes: Nodes) {
    this.nodes = nodes;
    this.within = within;
    this.judge = judge;
    this.best = goals.map(() => null);
    for (const [index, goal] of goals.entries())
      if ('state' in goal) this.byState.push([index, goal.state]);
      else this.byKey.set(goal.fault, [...(this.byKey.get(goal.fault) ?? []), index]);
  }

  /** Whether some goal may still be met at this cost, as well as what is known or better. */
  areOpenAt(cost: Cost): boolean {
    return dearer(cost, this.within) <= 0 && this.best.some((known) => known === null || dearer(known, cost) >= 0);
  }

  faults(faults: readonly number[], at: Candidate): void {
    for (const fault of faults) for (const goal of this.ofFault(fault)) this.offer(goal, at);
  }

  state(state: Int32Array, at: Candidate): void {
    for (const [goal, isWanted] of this.byState) if (isWanted(state)) this.offer(goal, at);
  }

  /** @param reached the preemptions of the round in which the search ended; null where nothing was left out */
  results(reached: number | null): readonly (Counterexample | null)[] {
    return this.best.map((known) => {
      if (known === null) return null;
      const { preemptions, parent, choice, second, steps } = known;
      const last = second === undefined ? [] : [decode(second)];
      const choices = steps === 0 ? [] : [...this.nodes.pathTo(parent), decode(choice), ...last];
      return { choices, preemptions, proven: reached === null || preemptions <= reached };
    });
  }

  private ofFault(fault: number): readonly number[] {
    let goals = this.byFault[fault];
    if (goals === undefined) this.byFault[fault] = goals = this.byKey.get(this.judge.keyOf(fault)) ?? [];
    return goals;
  }

  private offer(goal: number, at: Candidate): void {
    const known = this.best[goal] ?? null;
    if (dearer(at, this.within) > 0) return;
    const more = known === null ? -1 : dearer(at, known);
    if (more < 0 || (known !== null && more === 0 && this.isBefore(at, known))) this.best[goal] = at;
  }

  private isBefore(one: Candidate, other: Candidate): boolean {
    if (one.parent === other.parent && one.choice === other.choice) return (one.second ?? 0) < (other.second ?? 0);
    return one.steps > 0 && this.nodes.isBefore(one.parent, one.choice, other.parent, other.choice);
  }
}

const NODES_PER_TURN = 2048;

/** A generator, so that the caller may look up: it yields now and then, and gives up when the caller says why. */
export function* findBest(
  program: Program,
  judge: Judge,
  wanted: readonly Goal[],
  { primary, maxNodes, within = UNBOUNDED }: Bounds,
): Generator<null, Best, string | null> {
  const { width, threads: all } = program;
  const nodes = new Nodes(width + 2, [...layoutOf(program), [width, width + 1]]);
  const goals = new Goals(wanted, within, judge, nodes);
  const races = wanted.some((goal) => 'fault' in goal && goal.fault.startsWith(RACE)) ? new CoEnabled(program, judge) : null;
  const at = new Int32Array(width + 2);
  const state = at.subarray(0, width);
  const next = new Int32Array(width);
  const changed = new Int32Array(width + 2);
  let round = new Round();
  let later = new Round();
  const end = (reached: number | null): Best => ({ found: goals.results(reached), nodes: nodes.visited.size });

  /** The state is the successor: with who came last, and who has moved, it makes a node. */
  const addSuccessor = (last: number, moved: number, taints: boolean): number => {
    const [lastBefore, movedBefore, marked] = [at[width] as number, at[width + 1] as number, state[width - 1] as number];
    let count = 0;
    for (; count < program.changes; count++) changed[count] = program.changedPlaces[count] as number;
    if (taints && marked === 0) {
      program.taint(state);
      changed[count++] = width - 1;
    }
    at[width] = last;
    at[width + 1] = moved;
    changed[count++] = width;
    changed[count++] = width + 1;
    const added = nodes.visited.addBeside(at, changed, count);
    at[width] = lastBefore;
    at[width + 1] = movedBefore;
    state[width - 1] = marked;
    return added;
  };

  /** Both steps of each race that can happen here, in both orders. */
  const race = (
    meetings: readonly Meeting[],
    last: number,
    moved: number,
    { preemptions, threads, steps }: Cost,
    node: number,
  ) => {
    const lastCouldGoOn = last !== NOBODY && program.anyEnabled(state, last);
    for (const { fault, choices: both } of meetings)
      for (const [first, second] of [both, both.toReversed()] as const) {
        if (first === undefined || second === undefined || !program.choose(state, first, next)) continue;
        if (!program.isWholeAt(next, program.position(next, second.thread).firstWay + second.way)) continue;
        const dearness = [lastCouldGoOn && first.thread !== last, program.anyEnabled(next, first.thread)].filter(Boolean).length;
        const newcomers = [first, second].filter(({ thread }) => (moved & (1 << thread)) === 0).length;
        goals.faults([fault], {
          preemptions: preemptions + dearness,
          threads: threads + newcomers,
          steps: steps + 2,
          parent: node,
          choice: encode(first.thread, first.way),
          second: encode(second.thread, second.way),
        });
      }
  };

  const visit = (node: number, preemptions: number, threads: number, steps: number): void => {
    nodes.visited.get(node, at);
    const last = at[width] as number;
    const moved = at[width + 1] as number;
    const here: Candidate = { preemptions, threads, steps, ...nodes.lastOf(node) };
    const wrong = judge.isWrong(state);
    if (wrong) goals.faults(judge.ofState(state, false), here);
    goals.state(state, here);
    if (primary && wrong) return;
    if (races !== null) race(races.of(state), last, moved, here, node);
    const tainted = program.isTainted(state);
    const lastCouldGoOn = last !== NOBODY && program.anyEnabled(state, last);
    let terminal = true;
    for (let thread = 0; thread < all; thread++) {
      const position = state[program.slots + thread] as number;
      const first = program.firstWay(position);
      const end = first + program.wayCount(position);
      const bit = 1 << thread;
      const dearness = preemptions + (lastCouldGoOn && thread !== last ? 1 : 0);
      const movers = threads + ((moved & bit) === 0 ? 1 : 0);
      for (let way = first; way < end; way++) {
        if (!program.apply(state, thread, way)) continue;
        terminal = false;
        const choice = encode(thread, way - first);
        if (program.splats > 0) {
          next.set(state);
          program.undo(next);
          const raised = judge.ofStep(next, thread);
          goals.faults(raised, { preemptions: dearness, threads: movers, steps: steps + 1, parent: node, choice });
        }
        if (!primary || program.splats === 0) {
          const added = addSuccessor(thread, moved | bit, wrong && !tainted);
          const reached = nodes.reach(added, dearness, steps + 1, node, choice);
          if (reached >= 0) (dearness === preemptions ? round : later).put(movers, steps + 1, reached);
        }
        program.undo(state);
      }
    }
    // What is wrong in the state itself comes before what is wrong because it is the last.
    if (terminal) goals.faults(judge.ofState(state, true), here);
  };

  at.set(program.initial());
  at[width] = NOBODY;
  round.put(0, 0, nodes.reach(nodes.visited.add(at), 0, 0, -1, 0));
  let turns = 0;
  for (let preemptions = 0; !round.isEmpty; preemptions++) {
    for (const { threads, steps, entry: first } of round.cells()) {
      if (!goals.areOpenAt({ preemptions, threads, steps })) return end(null);
      for (let entry = first; entry >= 0; entry = round.after(entry)) {
        const node = round.nodeAt(entry);
        if (nodes.preemptions[node] !== preemptions || nodes.steps[node] !== steps) continue;
        if (nodes.visited.size > maxNodes) return end(preemptions);
        if (++turns % NODES_PER_TURN === 0 && (yield null) !== null) return end(preemptions);
        visit(node, preemptions, threads, steps);
      }
    }
    round.clear();
    [round, later] = [later, round];
  }
  return end(null);
}

/** How many of the choices switch away from a thread that could have gone on. */
export function countPreemptions(program: Program, choices: readonly Choice[]): number {
  const state = program.initial();
  const next = new Int32Array(program.width);
  let last = NOBODY;
  let count = 0;
  for (const { thread, way } of choices) {
    if (last !== NOBODY && thread !== last && program.anyEnabled(state, last)) count++;
    program.choose(state, { thread, way }, next);
    state.set(next);
    last = thread;
  }
  return count;
}
