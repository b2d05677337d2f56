/**
 * A search as a file, and the other way round. The states are taken as they were written; the tables, what the predicates
 * said, and what was found are asked again of the scenario as it is now, and the first difference refuses the checkpoint.
 */
import { InternalError, ModelError } from '../model/errors.ts';
import type { Variant } from '../model/scenario.ts';
import type { StatePredicate } from '../tables/predicate.ts';
import type { Program } from '../tables/program.ts';
import { refusal, Relearning, type SavedTables, savedTables } from '../tables/saved-tables.ts';
import { Arrivals } from './arrivals.ts';
import { CheckedReader, type CheckedWriter, writeWhole } from './checkpoint-file.ts';
import type { Checkpoint, Origin } from './found.ts';
import { NumberList } from './number-list.ts';
import type { Groups } from './visited-set.ts';
import type { Account, Reads, Witness } from './witness.ts';

/** Where a search stands in the row of its states. */
export interface Place {
  /** The next state whose steps are to be taken. */
  readonly at: number;
  readonly depth: number;
  readonly endOfLevel: number;
  readonly steps: number;
}

/** What the reduction of a pass was made of: with the same it leaves out the same. */
export interface Pass {
  /** From 1. */
  readonly number: number;
  /** What predicates had read before it. */
  readonly reads: Reads;
  /** What was to be reached, and was in the passes before it. */
  readonly reached: ReadonlySet<string>;
  /** What was known of the threads, and how long the journal of the program was. */
  readonly known: number;
  readonly learned: number;
}

export interface Standing extends Place {
  readonly program: Program;
  readonly variant: Variant;
  readonly witness: Witness<number>;
  readonly visited: Arrivals;
  /** How the visited set puts the places of a state together. */
  readonly groups: Groups;
  readonly parents: NumberList;
  /** Null for the plain search. */
  readonly pass: Pass | null;
}

/** All of a checkpoint but the long rows of numbers. */
interface Envelope {
  readonly origin: Origin;
  readonly byteOrder: 'LE' | 'BE';
  readonly states: number;
  readonly place: Place;
  readonly pass: SavedPass | null;
  readonly tables: SavedTables;
  readonly groups: Groups;
  /** By predicate: what it is, and what it has answered. */
  readonly predicates: readonly SavedPredicate[];
  readonly account: Account<number>;
}

interface SavedPass extends Omit<Pass, 'reads' | 'reached'> {
  readonly always: readonly number[];
  readonly sometimes: readonly (readonly [name: string, places: readonly number[]])[];
  readonly reached: readonly string[];
}
type SavedPredicate = readonly [name: string, source: string, results: readonly string[]];

const upwards = (a: number, b: number): number => a - b;

const MOST_LOOKS = 10_000;

const byteOrder = new Uint8Array(Int32Array.of(1).buffer)[0] === 1 ? 'LE' : 'BE';

export function checkpointOf(standing: Standing): Checkpoint {
  const { program, visited } = standing;
  const { size } = visited;
  const { length } = program.journal;
  return {
    save: (file, of) => {
      if (visited.size !== size || program.journal.length !== length)
        throw new InternalError('a checkpoint is to be saved before the search goes on, and before anything else is learned');
      writeWhole(file, (writer) => write(writer, standing, of));
    },
  };
}

function write(writer: CheckedWriter, standing: Standing, origin: Origin): void {
  const { program, variant, witness, visited, groups, parents, pass, at, depth, endOfLevel, steps } = standing;
  const said = predicatesOf(witness).map(rowsOf);
  const sources = sourcesOf(variant);
  const envelope: Envelope = {
    origin,
    byteOrder,
    states: visited.size,
    place: { at, depth, endOfLevel, steps },
    pass: pass && savedPass(pass),
    tables: savedTables(program),
    groups,
    predicates: said.map(({ results }, i) => [...(sources[i] as readonly [string, string]), results]),
    account: witness.account,
  };
  writer.json(envelope);
  writeRow(writer, program.journal.all.subarray(0, program.journal.length));
  for (const { rows } of said) writeRow(writer, rows);
  for (const piece of visited.write()) writer.numbers(piece);
  for (const piece of parents.write()) writer.numbers(piece);
}

function writeRow(writer: CheckedWriter, row: Int32Array): void {
  writer.numbers(Int32Array.of(row.length));
  writer.numbers(row);
}

function readRow(reader: CheckedReader): Int32Array {
  const length = new Int32Array(1);
  reader.read(length);
  const row = new Int32Array(length[0] as number);
  reader.read(row);
  return row;
}

/** What must hold, then what is to be reached. */
const predicatesOf = (witness: Witness<number>): readonly StatePredicate<unknown>[] => [...witness.judge.rules, ...witness.goals];

/** The same predicates, as the scenario has them. */
const sourcesOf = ({ always, atEnd, leaks, sometimes }: Variant): readonly (readonly [name: string, source: string])[] =>
  Object.entries({ always, atEnd, leaks, sometimes }).flatMap(([rule, tests]) =>
    Object.entries(tests).map(([name, test]) => [`${rule} "${name}"`, String(test)] as const),
  );

/** What a predicate has said: for each answer its number, how many places and values it came of, and those. */
function rowsOf(predicate: StatePredicate<unknown>): { readonly results: readonly string[]; readonly rows: Int32Array } {
  const results = new Map<string, number>();
  const rows: number[] = [];
  for (const { reads, result } of predicate.said()) {
    const text = textOf(result);
    if (!results.has(text)) results.set(text, results.size);
    rows.push(results.get(text) as number, reads.length, ...reads);
  }
  return { results: [...results.keys()], rows: Int32Array.from(rows) };
}

const textOf = (result: unknown): string => JSON.stringify(result) ?? 'undefined';

const savedPass = ({ reads, reached, ...pass }: Pass): SavedPass => ({
  ...pass,
  always: [...reads.always],
  sometimes: [...reads.sometimes].map(([name, places]) => [name, [...places]]),
  reached: [...reached],
});

const passOf = ({ always, sometimes, reached, ...pass }: SavedPass): Pass => ({
  ...pass,
  reads: { always: new Set(always), sometimes: new Map(sometimes.map(([name, places]) => [name, new Set(places)])) },
  reached: new Set(reached),
});

interface Former {
  readonly groups: Groups;
  readonly visited: Arrivals;
  readonly parents: NumberList;
}

/** What a checkpoint says, for one search that goes on from there. */
export class Resumption {
  readonly origin: Origin;
  /** How many it had met. */
  readonly states: number;
  readonly place: Place;
  readonly pass: Pass | null;
  private readonly reader: CheckedReader;
  private readonly envelope: Envelope;
  private readonly journal: Int32Array;
  private relearning: Relearning | null = null;

  /** @throws ModelError if the file is no checkpoint, of another version, or not whole */
  constructor(path: string) {
    this.reader = new CheckedReader(path);
    this.envelope = this.reader.json() as Envelope;
    const { origin, place, pass } = this.envelope;
    if (this.envelope.byteOrder !== byteOrder)
      throw new ModelError(
        `The checkpoint "${path}" comes from a machine with the other order of bytes`,
        'search anew, without --resume',
      );
    this.origin = origin;
    this.states = this.envelope.states;
    this.place = place;
    this.pass = pass && passOf(pass);
    this.journal = readRow(this.reader);
  }

  /** @throws ModelError if the checkpoint is another's */
  refuseUnless(origin: Origin): void {
    const { scenario, variant, version } = this.origin;
    if (scenario !== origin.scenario || variant !== origin.variant)
      throw new ModelError(
        `"${this.reader.path}" is a checkpoint of "${scenario}/${variant}", not of "${origin.scenario}/${origin.variant}"`,
      );
    if (version !== origin.version)
      throw new ModelError(
        `"${this.reader.path}" is a checkpoint of Interlock ${version}, and this is ${origin.version}`,
        'search anew, without --resume',
      );
  }

  /** @throws ModelError if it was made by the other kind of search, which goes another way */
  refuseUnlessOf(kind: 'plain' | 'reduced'): void {
    const own = this.pass === null ? 'plain' : 'reduced';
    if (own !== kind)
      throw new ModelError(
        `"${this.reader.path}" is a checkpoint of the ${own} search, not of the ${kind} one`,
        'resume it with the options with which it began',
      );
  }

  /** Lets the program know what it knew when the pass began, and no more: the reduction is made of that. */
  relearnPass(program: Program): void {
    try {
      this.learning(program).upTo(this.pass?.learned ?? 0);
    } catch (error) {
      this.reader.close();
      throw error;
    }
  }

  /**
   * Lets the program know all that it knew, and the witness have seen what it had seen.
   * @returns the states
   * @throws ModelError that names what is no longer as it was
   */
  into(program: Program, variant: Variant, witness: Witness<number>): Former {
    try {
      return this.given(program, variant, witness);
    } finally {
      this.reader.close();
    }
  }

  private given(program: Program, variant: Variant, witness: Witness<number>): Former {
    const { envelope, reader } = this;
    comparePredicates(envelope.predicates, sourcesOf(variant));
    this.learning(program).toTheEnd();
    const { groups } = envelope;
    if (String(groups.flat().toSorted(upwards)) !== String([...program.initial().keys()]))
      throw refusal('a state has other places');
    const begin = program.initial();
    for (const [i, predicate] of predicatesOf(witness).entries())
      askAgain(predicate, begin, envelope.predicates[i] as SavedPredicate, readRow(reader));
    const visited = new Arrivals(program.width, groups, reader);
    const parents = NumberList.read(reader);
    refuseOtherBeginning(begin, visited, parents);
    witness.resume(envelope.account);
    lookAgain(program, witness, visited, envelope.account);
    lookAround(program, witness, visited, envelope.place.at);
    return { groups, visited, parents };
  }

  private learning(program: Program): Relearning {
    this.relearning ??= new Relearning(program, this.envelope.tables, this.journal);
    return this.relearning;
  }
}

/** The digests hold, so this would be a fault of the checker. */
function refuseOtherBeginning(begin: Int32Array, visited: Arrivals, parents: NumberList): void {
  const first = begin.slice();
  visited.get(0, first);
  if (visited.size !== parents.length || first.some((value, place) => value !== begin[place]))
    throw new InternalError('the states of the checkpoint do not begin where the scenario does');
}

function comparePredicates(then: readonly SavedPredicate[], now: readonly (readonly [name: string, source: string])[]): void {
  for (const [i, [name, source]] of now.entries()) {
    const [oldName, oldSource] = then[i] ?? [];
    if (oldName !== name) throw refusal(oldName === undefined ? `${name} is new` : `where ${oldName} was is ${name} now`);
    if (oldSource !== source) throw refusal(`${name} was ${oldSource}, and is ${source} now`);
  }
  const [gone] = then[now.length] ?? [];
  if (gone !== undefined) throw refusal(`${gone} is no more`);
}

/** Its text is the same; what it takes from around it may not be. */
function askAgain(
  predicate: StatePredicate<unknown>,
  begin: Int32Array,
  [name, , results]: SavedPredicate,
  rows: Int32Array,
): void {
  for (let at = 0; at < rows.length; ) {
    const count = rows[at + 1] as number;
    const reads = rows.subarray(at + 2, at + 2 + count);
    const state = begin.slice();
    for (let i = 0; i < count; i += 2) state[reads[i] as number] = reads[i + 1] as number;
    const then = results[rows[at] as number] as string;
    const now = answerOf(predicate, name, state);
    if (then !== now) throw refusal(`${name} was ${then} of a state of which it is ${now} now`);
    at += 2 + count;
  }
}

function answerOf(predicate: StatePredicate<unknown>, name: string, state: Int32Array): string {
  try {
    return textOf(predicate.evaluate(state));
  } catch (error) {
    if (error instanceof ModelError) throw refusal(`${name}: ${error.message}`);
    throw error;
  }
}

/** What was found must be found again where it was found, or its words are of other sources. */
function lookAgain(program: Program, { judge }: Witness<number>, visited: Arrivals, { faults, seen }: Account<number>): void {
  const state = new Int32Array(program.width);
  const next = new Int32Array(program.width);
  for (const { fault, at, step } of seen) {
    visited.get(at, state);
    if (step !== null) program.choose(state, step, next);
    const found = step === null ? judge.ofState(state, program.isTerminal(state)) : judge.ofStep(state, step.thread);
    const [, { kind, object, text }] = faults[fault] as (typeof faults)[number];
    if (!found.includes(fault)) throw refusal(`what was found, ${kind} at "${object}" (${text}), is not there any more`);
  }
}

/**
 * What was never broken, or never reached, is so of no state that was judged. This is also asked of a predicate that asks
 * who waits, as that one remembers nothing, but only of some thousands of states.
 */
function lookAround(program: Program, { judge, missed }: Witness<number>, visited: Arrivals, judged: number): void {
  const state = new Int32Array(program.width);
  const { unbroken } = judge;
  const stride = Math.ceil(judged / MOST_LOOKS);
  for (let at = 0; at < judged; at += stride) {
    visited.get(at, state);
    for (const rule of unbroken)
      if (!rule.of(state)) throw refusal(`always "${rule.name}" held in a state in which it does not now`);
    for (const goal of missed)
      if (goal.of(state)) throw refusal(`sometimes "${goal.name}" did not hold in a state in which it does now`);
  }
}
