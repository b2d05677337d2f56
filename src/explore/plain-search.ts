/** The states that the scenario can reach, in order of distance from the start, and what is wrong in them. */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import { Arrivals, type Numbered } from './arrivals.ts';
import { checkpointOf, type Pass, type Place, type Resumption } from './checkpoint.ts';
import type { Choice } from './choice.ts';
import { estimateCoverage } from './cut-coverage.ts';
import type { Checkpoint, Found, Search } from './found.ts';
import { layoutOf } from './layout.ts';
import { NumberList } from './number-list.ts';
import { type Reads, Witness } from './witness.ts';

export interface Limits {
  readonly maxStates: number;
  /** Where two steps that race can meet, they do so in some state that is stored, whatever is left out. */
  readonly keepsRaces?: boolean;
}

export interface Explored extends Found {
  readonly visited: Numbered;
  /** What the predicates of the scenario have read. */
  readonly reads: Reads;
  /** The shortest way to a state. */
  pathTo(state: number): readonly Choice[];
  /** To be saved before the program learns anything else; null when nothing was left out. */
  readonly checkpoint: Checkpoint | null;
}

/** Says which threads have to be followed from a state. */
export interface Reduction {
  /** @returns the threads as bits: enough of those that can move */
  choose(state: Int32Array): number;
}

export interface Beginning {
  /** Leaves out threads whose steps lead to nothing new; without it every state is met. */
  readonly reduction?: Reduction;
  /** What the reduction was made of. */
  readonly pass?: Pass;
  /** Where a search of the same kind ended. */
  readonly from?: Resumption | null;
}

/** What ended a search that met too many states. */
export const cutAt = (states: number): string => `${states} states`;

export const EVERY_THREAD = -1;
const STATES_PER_TURN = 4096;
const START: Place = { at: 0, steps: 0, depth: 0, endOfLevel: 1 };

/** @throws ModelError if it is to go on from a checkpoint that is of other sources, or of the other kind of search */
export function* explore(
  program: Program,
  variant: Variant,
  limits: Limits,
  { reduction, pass, from = null }: Beginning = {},
): Search<Explored> {
  from?.refuseUnlessOf(pass === undefined ? 'plain' : 'reduced');
  const witness = new Witness<number>(program, variant);
  const former = from?.into(program, variant, witness);
  const groups = former?.groups ?? layoutOf(program);
  const visited = former?.visited ?? new Arrivals(program.width, groups);
  const parents = former?.parents ?? new NumberList();
  const state = program.initial();
  const next = new Int32Array(program.width);
  let { at, steps, depth, endOfLevel } = from?.place ?? START;
  let cut: string | null = null;

  /** @returns whether one of the steps came round to where a loop began */
  const follow = (threads: number, wrong: boolean): boolean => {
    let wentRound = false;
    for (let thread = 0; thread < program.threads; thread++) {
      if ((threads & (1 << thread)) === 0) continue;
      const position = state[program.slots + thread] as number;
      const first = program.firstWay(position);
      const end = first + program.wayCount(position);
      for (let way = first; way < end; way++) {
        if (!program.apply(state, thread, way)) continue;
        steps++;
        wentRound ||= program.wentRound;
        if (program.splats > 0) {
          next.set(state);
          program.undo(next);
          witness.step(next, wrong, at, { thread, way: way - first });
        }
        let count = program.changes;
        if (wrong && !program.isTainted(state)) {
          program.taint(state);
          program.changedPlaces[count] = program.width - 1;
          program.changedFrom[count] = 0;
          count = ++program.changes;
        }
        if (visited.addBeside(state, program.changedPlaces, count)) parents.push(at);
        program.undo(state);
      }
    }
    return wentRound;
  };

  const met = { program, variant, witness, visited, groups, parents, pass: pass ?? null };
  const checkpoint = (next: number): Checkpoint => checkpointOf({ ...met, at: next, steps, depth, endOfLevel });

  if (visited.add(state)) parents.push(-1);
  for (; at < visited.size && cut === null; at++) {
    if (at === endOfLevel) {
      depth++;
      endOfLevel = visited.size;
    }
    visited.get(at, state);
    // A wrong state taints what follows it, so it is judged before its successors are stored.
    const wrong = witness.state(state, at);
    const before = steps;
    const chosen = reduction?.choose(state) ?? EVERY_THREAD;
    // Positions repeat only where a loop begins anew: there nothing may be put off, or it could be put off for ever.
    if (follow(chosen, wrong) && chosen !== EVERY_THREAD) follow(~chosen, wrong);
    if (steps === before) witness.end(state, wrong, at);
    if (visited.size > limits.maxStates) cut = cutAt(limits.maxStates);
    else if (at % STATES_PER_TURN === STATES_PER_TURN - 1)
      cut = yield { states: visited.size, traces: null, depth, share: null, checkpoint: checkpoint(at + 1) };
  }

  if (reduction === undefined) rehearse(program, program.initial());
  const stopped = at < visited.size ? (cut ?? 'stopped') : null;
  const pathTo = (to: number) => path(program, visited, parents, to);
  return {
    program,
    judge: witness.judge,
    visited,
    reads: witness.reads,
    sightings: witness.sightings(pathTo),
    sometimes: witness.sometimes,
    states: visited.size,
    traces: null,
    steps,
    depth,
    cut: stopped,
    estimate:
      stopped === null
        ? null
        : estimateCoverage(program, {
            has: (vector) => {
              const number = visited.numberOf(vector);
              return number >= 0 && number < at;
            },
            threads: (vector) => reduction?.choose(vector) ?? EVERY_THREAD,
            isWrong: (vector) => witness.judge.isWrong(vector),
          }),
    pathTo,
    checkpoint: at < visited.size ? checkpoint(at) : null,
  };
}

/** Only the parents are kept: which step leads from a state to the next is found again by trying them. */
export function path(program: Program, visited: Numbered, parents: NumberList, to: number): readonly Choice[] {
  const states = [to];
  for (let at = to; at > 0; at = states[0] as number) states.unshift(parents.at(at));
  const state = new Int32Array(program.width);
  const next = new Int32Array(program.width);
  return states.slice(1).map((successor, i) => {
    visited.get(states[i] as number, state);
    visited.get(successor, next);
    return stepBetween(program, state, next);
  });
}

function stepBetween(program: Program, from: Int32Array, to: Int32Array): Choice {
  const reached = new Int32Array(program.width);
  for (let thread = 0; thread < program.threads; thread++) {
    const { ways } = program.position(from, thread);
    for (let way = 0; way < ways; way++) {
      if (!program.choose(from, { thread, way }, reached)) continue;
      // That a wrong state taints what follows is not known to the tables.
      reached[program.width - 1] = to[program.width - 1] as number;
      if (reached.every((value, place) => value === to[place])) return { thread, way };
    }
  }
  throw new RangeError('no step leads from a state to the next');
}
