/** Counts the Mazurkiewicz traces that have a schedule within a preemption bound, for comparison with published counts. */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { Accesses } from './accesses.ts';
import type { Search } from './found.ts';
import { type InRounds, type Memory, type PreemptionBound, Rounds } from './rounds.ts';
import { NumberedSet } from './numbered-set.ts';

export interface TraceCount extends InRounds {
  /** Distinct complete traces, those that end blocked among them: a lower bound where `cut` is no preemption bound. */
  readonly traces: number;
  /** With at most 0, 1, 2 … preemptions. */
  readonly byPreemptions: readonly number[];
}

/** What has been done to a slot: the writes in their order, and after each the reads up to the next, in no order. */
interface History {
  readonly lastWrite: number;
  readonly reads: readonly number[];
}

const NOTHING = 0;

/**
 * Names beginnings of traces: two schedules get the same names exactly when their threads have taken the same steps and
 * these conflict in the same order. A trace is never forgotten, so a thread that loops has no end of them.
 */
class TraceMemory implements Memory {
  readonly width: number;
  private readonly program: Program;
  private readonly accesses: Accesses;
  private readonly events = new Map<string, number>();
  private readonly histories: History[] = [{ lastWrite: NOTHING, reads: [] }];
  private readonly historyIds = new Map<string, number>();

  constructor(program: Program) {
    this.program = program;
    this.accesses = new Accesses(program);
    this.width = program.width + program.slots + program.threads;
  }

  begin(vector: Int32Array): void {
    vector.fill(NOTHING, this.program.width);
  }

  step(from: Int32Array, thread: number, way: number, to: Int32Array): void {
    const { width, slots } = this.program;
    to.set(from.subarray(width), width);
    const mine = width + slots + thread;
    const event = this.event(from[mine] as number, way);
    to[mine] = event;
    for (const { slot, writes } of this.accesses.ofStep(from, way, to))
      to[width + slot] = this.after(from[width + slot] as number, event, writes);
  }

  /** A step, by the one before it in its thread: no two threads have a way in common. */
  private event(before: number, way: number): number {
    const key = `${before} ${way}`;
    const id = this.events.get(key) ?? this.events.size + 1;
    this.events.set(key, id);
    return id;
  }

  private after(history: number, event: number, writes: boolean): number {
    const { lastWrite, reads } = this.histories[history] as History;
    if (!writes) return this.intern({ lastWrite, reads: [...reads, event].toSorted((a, b) => a - b) });
    // What was read before the write is part of what the write comes after.
    const key = `${history} ${event}`;
    return this.intern({ lastWrite: this.historyIds.get(key) ?? this.histories.length, reads: [] }, key);
  }

  private intern(history: History, key = `${history.lastWrite}: ${history.reads.join(' ')}`): number {
    let id = this.historyIds.get(key);
    if (id === undefined) {
      id = this.histories.push(history) - 1;
      this.historyIds.set(key, id);
    }
    return id;
  }
}

/**
 * Two steps conflict if they come to one slot and one of them writes it, see `Accesses`. Beginnings of traces are stored,
 * not states, so there are far more of them and `maxStates` bounds those; `states` are the distinct states among them.
 */
export function* countTraces(program: Program, variant: Variant, bound: PreemptionBound): Search<TraceCount> {
  const memory = new TraceMemory(program);
  const rounds = new Rounds(program, variant, bound, memory);
  const ends = new NumberedSet(memory.width);
  const byPreemptions: number[] = [];
  // A wrong state marks what follows, and another schedule of the same trace may not meet it.
  const unmarked = new Int32Array(memory.width);
  rounds.onEnd = (place) => {
    unmarked.set(place);
    unmarked[program.width - 1] = 0;
    ends.add(unmarked);
  };
  rounds.onRound = () => byPreemptions.push(ends.size);
  const found = yield* rounds.search();
  return { ...found, states: distinctStates(program, rounds.nodes.places), traces: ends.size, byPreemptions };
}

function distinctStates(program: Program, places: NumberedSet): number {
  const states = new NumberedSet(program.width);
  const place = new Int32Array(program.width + program.slots + program.threads);
  for (let id = 0; id < places.size; id++) {
    places.get(id, place);
    states.add(place.subarray(0, program.width));
  }
  return states.size;
}
