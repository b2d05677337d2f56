/**
 * Every order of whole operations: a call of a task, once begun, runs to its end before another call begins. What the
 * environment decides, and which way out of a wait is taken, ranges as it does elsewhere.
 *
 * Nobody calls a daemon. What it does from one wait to the next is an operation of its own, which runs between calls, or
 * within one that has come to a wait and cannot go on by itself: that work is then done for the call. A call that waits for
 * what another call would have to do leaves an order unfinished, which then gives no outcome.
 */
import type { Program } from '../tables/program.ts';
import { Arrivals } from './arrivals.ts';
import type { Outcome, Outcomes } from './serial-outcome.ts';

/** An operation as reports name it. */
export interface WholeOperation {
  readonly thread: string;
  readonly operation: string;
}

export interface SerialOutcome {
  readonly outcome: Outcome;
  /** The shortest order that gives it; of equals the least by the order of the threads. */
  order(): readonly WholeOperation[];
}

export interface SerialOrders {
  /** By what tells outcomes apart, shortest order first. */
  readonly outcomes: ReadonlyMap<string, SerialOutcome>;
  /** In some order an operation never ends, or cannot begin: it waits for what another would have to do, or nobody. */
  readonly someNeverEnd: boolean;
  /** Which bound ended the search; null when nothing was left out. */
  readonly cut: string | null;
}

export const keyOf = (outcome: Outcome): string => JSON.stringify(outcome);

const STATES_PER_TURN = 1024;
const CUT = 'stopped among the orders of whole operations';

/** A generator, so that the caller may look up: it yields now and then, and gives up when the caller says why. */
export function* findSerialOrders(
  program: Program,
  outcomesOf: Outcomes,
  maxStates: number,
): Generator<null, SerialOrders, string | null> {
  const orders = new Orders(program);
  const outcomes = new Map<string, SerialOutcome>();
  const between = new Arrivals(program.width);
  const state = program.initial();
  between.add(state);
  let someNeverEnd = false;
  let cut: string | null = null;
  let spent = 0;
  let turn = 0;

  for (let id = 0; id < between.size && cut === null; id++) {
    between.get(id, state);
    if (outcomesOf.isComplete(state)) {
      const outcome = outcomesOf.of(state);
      const key = keyOf(outcome);
      if (!outcomes.has(key)) outcomes.set(key, { outcome, order: () => orders.to(id) });
      continue;
    }
    let moved = false;
    for (let thread = 0; thread < program.threads; thread++) {
      if (!program.anyEnabled(state, thread)) continue;
      moved = true;
      const whole = runWhole(program, state, thread);
      spent += whole.states;
      someNeverEnd ||= !whole.alwaysEnds;
      for (const end of whole.ends) {
        if (between.add(end)) orders.set(between.size - 1, id, thread, state);
      }
    }
    someNeverEnd ||= !moved && outcomesOf.someWait(state);
    if (spent > maxStates) cut = CUT;
    else if (Math.trunc(spent / STATES_PER_TURN) > turn) {
      turn = Math.trunc(spent / STATES_PER_TURN);
      if ((yield null) !== null) cut = CUT;
    }
  }
  return { outcomes, someNeverEnd, cut };
}

/** How each state between two operations was first come to. */
class Orders {
  private readonly program: Program;
  private readonly parents: { readonly parent: number; readonly did: WholeOperation }[] = [];

  constructor(program: Program) {
    this.program = program;
  }

  set(id: number, parent: number, thread: number, before: Int32Array): void {
    const named = this.program.world.threads[thread];
    const { operation } = named?.calls[this.program.position(before, thread).root.call] ?? {};
    this.parents[id] = { parent, did: { thread: named?.name ?? '', operation: operation?.name ?? '' } };
  }

  to(id: number): readonly WholeOperation[] {
    const order: WholeOperation[] = [];
    for (let at = this.parents[id]; at !== undefined; at = this.parents[at.parent]) order.push(at.did);
    return order.toReversed();
  }
}

interface Whole {
  /** The states in which the operation may end. */
  readonly ends: readonly Int32Array[];
  /** It never waits for what others would have to do, nor goes round without an end. */
  readonly alwaysEnds: boolean;
  readonly states: number;
}

const NOBODY = -1;

/** The operation that `open` begins next, in all the ways that it can go. */
function runWhole(program: Program, from: Int32Array, open: number): Whole {
  const { width, world } = program;
  const isDaemon = (thread: number) => world.threads[thread]?.kind === 'daemon';
  const daemons = world.threads.flatMap((_, thread) => (isDaemon(thread) ? [thread] : []));
  /** States, each with the daemon that is at work for the call. */
  const within = new Arrivals(width + 1);
  const at = new Int32Array(width + 1);
  const then = new Int32Array(width + 1);
  const [state, next] = [at.subarray(0, width), then.subarray(0, width)];
  const ends: Int32Array[] = [];
  let alwaysEnds = true;
  let wasStopped = false;

  const rests = (daemon: number): boolean => {
    const { waits } = program.position(next, daemon);
    return program.returned || waits || !program.anyEnabled(next, daemon);
  };
  const movers = (atWork: number): readonly number[] => {
    if (atWork !== NOBODY) return [atWork];
    const { firstWay, ways } = program.position(state, open);
    // The first way of a step is what it is for: the others are ways out of the wait.
    const waits = ways > 0 && !program.enabled(state, firstWay);
    return waits && !isDaemon(open) ? [open, ...daemons] : [open];
  };

  at.set(from);
  at[width] = NOBODY;
  within.add(at);
  for (let id = 0; id < within.size; id++) {
    within.get(id, at);
    let moved = false;
    for (const thread of movers(at[width])) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) {
        if (!program.take(state, thread, way, next)) continue;
        moved = true;
        const isOver = thread === open ? (isDaemon(open) ? rests(open) : program.returned) : false;
        then[width] = thread !== open && !rests(thread) ? thread : NOBODY;
        if (isOver) ends.push(next.slice());
        else within.add(then);
      }
    }
    if (moved) continue;
    // Who was stopped by an oops does not wait.
    if (program.position(state, open).status === 'running') alwaysEnds = false;
    else wasStopped = true;
  }
  return { ends, alwaysEnds: alwaysEnds && (ends.length > 0 || wasStopped), states: within.size };
}
