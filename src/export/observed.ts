/** What an exhaustive search has met, put together by position: each combination of snapshots that a step found, and what came of it. */
import type { Fault, Judge } from '../explore/judge.ts';
import type { Explored } from '../explore/plain-search.ts';
import { ModelError } from '../model/errors.ts';
import type { Variant } from '../model/scenario.ts';
import { StatePredicate } from '../tables/predicate.ts';
import type { Position, Program } from '../tables/program.ts';
import { Decisions } from './decisions.ts';

/** A place of the state vector, and a value there. */
export type Cell = readonly [place: number, value: number];

/** One way of a step where the slots to which it speaks hold these snapshots. */
export interface Option {
  readonly guard: readonly Cell[];
  readonly writes: readonly Cell[];
  readonly to: number;
  readonly faults: readonly Fault[];
}

/** A condition on states that no state should meet, by what is wrong in them. */
export interface Broken {
  /** Null where the search has found it broken nowhere. */
  readonly fault: Fault | null;
  readonly decisions: Decisions;
}

export interface Observed {
  readonly program: Program;
  readonly initial: Int32Array;
  /** By thread the positions that were met, in order of arrival. */
  readonly positions: readonly ReadonlySet<number>[];
  readonly options: ReadonlyMap<number, readonly Option[]>;
  /** By slot the snapshots that were met. */
  readonly values: readonly ReadonlySet<number>[];
  readonly always: readonly Broken[];
  /** What was broken where all tasks had ended and nobody could move. */
  readonly atEnd: readonly Broken[];
  /** Positions at which a thread waits for itself, with what that is called. */
  readonly selfDeadlocks: ReadonlyMap<number, Fault>;
  /** Positions at which it is wrong to stand, whatever the objects are in. */
  readonly wrongPlaces: ReadonlyMap<number, readonly Fault[]>;
  /** Positions at which a thread may be left. */
  readonly rests: ReadonlySet<number>;
  readonly tainted: boolean;
  /** The ids of those faults before which nothing else was wrong on some run. */
  readonly primary: ReadonlySet<number>;
  readonly states: number;
  readonly ends: number;
  /** The ends in which a thread is left where it must not be. */
  readonly deadlocks: number;
}

/** @throws ModelError if the search was cut, or if a predicate cannot be told by what it reads */
export function observe(explored: Explored, variant: Variant): Observed {
  const { program, visited, judge, cut } = explored;
  if (cut !== null)
    throw new ModelError(
      `The search was cut at ${cut}: the tables are not complete, and a model made of them would lack steps`,
      'give it more states with --max-states, or make the scenario smaller',
    );
  const initial = program.initial();
  const steps = new Steps(program, judge);
  const predicates = predicatesOf(explored, variant);
  const selfDeadlocks = new Map<number, Fault>();
  const wrongPlaces = new Map<number, readonly Fault[]>();
  const ends = new Ends(program);
  const state = new Int32Array(program.width);
  let tainted = false;
  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    tainted ||= program.isTainted(state);
    const holds = predicates.always.map(({ decisions }) => decisions.learn(state));
    if (id === 0 && holds.includes(false))
      throw new ModelError(
        'What must hold does not in the state in which the scenario begins',
        'mend the start: there is no race to show',
      );
    for (const position of waitingForThemselves(program, state))
      selfDeadlocks.set(state[program.slots + position.thread] as number, faultAt(judge, state, position));
    for (const id of state.subarray(program.slots, program.slots + program.threads))
      if (program.isWrongByItself(id) && !wrongPlaces.has(id))
        wrongPlaces.set(id, faultsOf(judge, program.positions[id] as Position));
    if (steps.from(state)) continue;
    ends.add(state);
    if (ends.tasksEnded(state)) for (const { decisions } of predicates.atEnd) decisions.learn(state);
  }
  const { rests, deadlocks } = ends.labels();
  return {
    program,
    initial,
    positions: steps.positions,
    options: steps.options,
    values: steps.values,
    always: predicates.always,
    atEnd: predicates.atEnd,
    selfDeadlocks,
    wrongPlaces,
    rests,
    tainted,
    primary: new Set(explored.sightings.filter(({ primary }) => primary).map(({ fault }) => fault)),
    states: visited.size,
    ends: ends.count,
    deadlocks,
  };
}

function predicatesOf({ program, judge }: Explored, { always, atEnd, leaks }: Variant) {
  const broken = <R>(
    kind: Fault['kind'],
    tests: { readonly [name: string]: (view: never) => R },
    holds: (said: unknown) => boolean = Boolean,
  ): readonly Broken[] =>
    Object.entries(tests).map(([name, test]) => ({
      fault: judge.faults.find((fault) => fault.kind === kind && speaksOf(fault, name)) ?? null,
      decisions: new Decisions(new StatePredicate<unknown>(program, name, test), holds),
    }));
  const ended = [...broken('end-state', atEnd), ...broken('leak', leaks, (left) => Number(left) <= 0)];
  return { always: broken('invariant', always), atEnd: ended };
}

const speaksOf = ({ kind, object, text }: Fault, name: string): boolean =>
  kind === 'leak' ? object === name : text.startsWith(`"${name}" does not hold`);

const waitingForThemselves = (program: Program, state: Int32Array): readonly Position[] =>
  program.world.threads
    .map((_, thread) => program.position(state, thread))
    .filter(({ reacquires, thread }) => reacquires && !program.anyEnabled(state, thread));

function faultAt(judge: Judge, state: Int32Array, position: Position): Fault {
  const { function: place, object } = judge.siteOf(position);
  const faults = judge.ofState(state, false).map((fault) => judge.faults[fault]);
  const found = faults.find(
    (fault) => fault?.kind === 'self-deadlock' && fault.object === object && fault.sites[0]?.function === place,
  );
  if (found === undefined) throw new RangeError('a thread waits for itself, and the judge says nothing');
  return found;
}

const faultsOf = (judge: Judge, position: Position): readonly Fault[] =>
  judge.ofPosition(position).map((fault) => judge.faults[fault] as Fault);

class Steps {
  readonly positions: ReadonlySet<number>[];
  readonly options = new Map<number, Option[]>();
  readonly values: Set<number>[];
  private readonly met: Set<number>[];
  private readonly known = new Set<string>();
  private readonly program: Program;
  private readonly judge: Judge;
  private readonly next: Int32Array;

  constructor(program: Program, judge: Judge) {
    this.program = program;
    this.judge = judge;
    this.met = program.world.threads.map(() => new Set<number>());
    this.positions = this.met;
    this.values = program.world.slots.map(() => new Set<number>());
    this.next = new Int32Array(program.width);
  }

  /** @returns whether there is a step out of the state */
  from(state: Int32Array): boolean {
    for (const [slot, values] of this.values.entries()) values.add(state[slot] as number);
    let moves = false;
    for (const [thread, positions] of this.met.entries()) {
      positions.add(state[this.program.slots + thread] as number);
      const { firstWay, ways } = this.program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) moves = this.take(state, thread, way) || moves;
    }
    return moves;
  }

  private take(state: Int32Array, thread: number, way: number): boolean {
    const slots = this.program.ways[way]?.slots ?? [];
    const key = `${way}:${Array.from(slots, (slot) => state[slot]).join()}`;
    if (this.known.has(key)) return true;
    if (!this.program.take(state, thread, way, this.next)) return false;
    this.known.add(key);
    const place = this.program.slots + thread;
    const from = state[place] as number;
    const those = this.options.get(from) ?? [];
    this.options.set(from, those);
    those.push({
      guard: Array.from(slots, (slot): Cell => [slot, state[slot] as number]),
      writes: Array.from(slots, (slot): Cell => [slot, this.next[slot] as number]).filter(([slot, to]) => to !== state[slot]),
      to: this.next[place] as number,
      faults: this.judge.ofStep(state, thread).map((fault) => this.judge.faults[fault] as Fault),
    });
    return true;
  }
}

/** Where threads are left when nobody moves any more, and where they may be. */
class Ends {
  count = 0;
  private readonly program: Program;
  private readonly met = new Map<
    string,
    { readonly positions: readonly Position[]; readonly ids: readonly number[]; count: number }
  >();

  constructor(program: Program) {
    this.program = program;
  }

  add(state: Int32Array): void {
    this.count++;
    const ids = [...state.subarray(this.program.slots, this.program.slots + this.program.threads)];
    const known = this.met.get(ids.join());
    if (known !== undefined) known.count++;
    else this.met.set(ids.join(), { positions: ids.map((id) => this.program.positions[id] as Position), ids, count: 1 });
  }

  tasksEnded(state: Int32Array): boolean {
    return this.program.world.threads.every(
      ({ kind }, thread) => kind === 'daemon' || this.program.position(state, thread).status === 'ended',
    );
  }

  /**
   * Whoever runs no further may be left, and a daemon where it waits for work. Not where it waits for a lock that somebody
   * keeps: a label does not know whether somebody does, so that has to be the same whenever no task is left waiting.
   */
  labels(): { readonly rests: ReadonlySet<number>; readonly deadlocks: number } {
    const { threads } = this.program.world;
    const isTask = ({ thread }: Position) => threads[thread]?.kind === 'task';
    const isKept = ({ acquires }: Position, all: readonly Position[]) =>
      acquires !== null && all.some(({ held }) => held.some(({ object }) => object === acquires.object));
    const rests = new Set<number>();
    const others: { readonly positions: readonly Position[]; readonly ids: readonly number[]; readonly isDeadlock: boolean }[] =
      [];
    const never = new Set<number>();
    let deadlocks = 0;
    for (const { positions, ids, count } of this.met.values()) {
      const waiting = positions.filter(({ status }) => status === 'running');
      const hasTask = waiting.some(isTask);
      const kept = positions.map((position) => position.status === 'running' && isKept(position, positions));
      const isDeadlock = hasTask || kept.some(Boolean);
      if (isDeadlock) deadlocks += count;
      if (hasTask) {
        for (const [i, position] of positions.entries()) if (position.status !== 'running') rests.add(ids[i] as number);
        continue;
      }
      others.push({ positions, ids, isDeadlock });
      for (const [i, id] of ids.entries()) (kept[i] ? never : rests).add(id);
    }
    for (const id of never) rests.delete(id);
    for (const { ids, isDeadlock } of others)
      if (ids.every((id) => rests.has(id)) === isDeadlock)
        throw new ModelError(
          'A daemon may be left at a step in one end, and in another waits there for a lock that somebody keeps',
          'Promela marks an end by the place alone; this variant cannot be exported',
        );
    return { rests, deadlocks };
  }
}
