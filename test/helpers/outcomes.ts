/** What two searches of one design must agree on, however many states each of them meets. */
import type { ExecutionContext } from 'ava';
import type { Search } from '../../src/explore/found.ts';
import type { Fault } from '../../src/explore/judge.ts';
import { type Explored, explore } from '../../src/explore/plain-search.ts';
import { exploreReduced, type Reduced } from '../../src/explore/reduced-search.ts';
import { ModelError, type Variant } from '../../src/index.ts';
import { snapshotKey } from '../../src/tables/machine-table.ts';
import { Program } from '../../src/tables/program.ts';

export interface Outcomes {
  /** What is found, each with whether it can come first. */
  readonly findings: readonly string[];
  readonly sometimes: readonly string[];
  /** The states in which no thread can move, with all that threads keep. */
  readonly ends: readonly string[];
  readonly reachedEnd: boolean;
  /** Where each thread may ever stand, and how many outcomes its steps have. */
  readonly positions: readonly string[];
  readonly knowledge: number;
}

export function played<E>(search: Search<E & Explored>): E & Explored {
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

export const plainly = (design: Variant, maxStates = 100_000): Explored =>
  played(explore(new Program(design), design, { maxStates }));
export const reducedly = (design: Variant, maxStates = 100_000): Reduced =>
  played<Reduced>(exploreReduced(new Program(design), design, { maxStates }));

/** The fault as a name that does not depend on who met it first, nor on the way there. */
function nameOf({ kind, object, text, sites }: Fault): string {
  if (kind === 'leak') return `${kind} ${object}`;
  if (kind === 'deadlock')
    return `${kind}: ${sites
      .map((site) => `${site.function} ${site.event} ${site.object}`)
      .toSorted()
      .join(', ')}`;
  return `${kind} ${object}: ${text} (${sites.map((site) => `${site.function} ${site.event}`).join(', ')})`;
}

export function outcomesOf({ program, judge, sightings, sometimes, visited }: Explored): Outcomes {
  const ends = new Set<string>();
  const state = new Int32Array(program.width);
  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    if (!program.isTerminal(state)) continue;
    const slots = program.world.slots.map(({ index }) => snapshotKey(program.snapshot(state, index)));
    ends.add([...slots, ...program.world.threads.map((_, thread) => program.position(state, thread).key)].join('\n'));
  }
  return {
    findings: sightings
      .map(({ fault, primary }) => `${nameOf(judge.faults[fault] as Fault)}${primary ? '' : ', after another'}`)
      .toSorted(),
    sometimes: sometimes.filter(({ reached }) => reached).map(({ name }) => name),
    ends: [...ends].toSorted(),
    reachedEnd: judge.reachedEnd,
    positions: program.positions.map(({ thread, key }) => `${thread} ${key}`).toSorted(),
    knowledge: program.knowledge,
  };
}

/** What comes of a search, or the fault of the model that it meets. */
export function attempt<R>(search: () => R): R | ModelError {
  try {
    return search();
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}

/** The reduced search finds what the search of every state finds. @returns that, and how many states each has met */
export function agreed(t: ExecutionContext, design: Variant) {
  const plain = plainly(design);
  const reduced = reducedly(design);
  const { findings, sometimes, ends } = outcomesOf(plain);
  t.deepEqual(outcomesOf(reduced), outcomesOf(plain));
  return { findings, sometimes, ends: ends.length, plain: plain.states, reduced: reduced.states, passes: reduced.passes };
}
