/**
 * The tables of a program, to be written down and learned again. Nothing of them is believed: everything that was asked is
 * asked again, in the same order, of the machines and the operations as they are now. So everything gets the number that it
 * had, or the first difference is named.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { encode, type Step } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';
import { ModelError } from '../model/errors.ts';
import { stateName } from '../model/names.ts';
import type { Call } from '../model/scenario.ts';
import type { World } from '../model/world.ts';
import type { Answer } from './answer.ts';
import { DISABLED, type MachineTable, NEXT, snapshotKey } from './machine-table.ts';
import { ENTRY, type Position, type Program } from './program.ts';

/** What the scenario puts together, and all texts by number. */
export interface SavedTables {
  readonly objects: readonly (readonly [path: string, made: string])[];
  readonly threads: readonly (readonly [name: string, made: string])[];
  /** By machine, in the order of the slots. */
  readonly snapshots: readonly (readonly string[])[];
  readonly events: readonly (readonly string[])[];
  readonly answers: readonly string[];
  readonly positions: readonly SavedPosition[];
}

/** What names it, what its step says, and the same as numbers. */
type SavedPosition = readonly [key: string, says: string, ways: readonly number[]];

/** @returns what has to come along with the journal */
export const savedTables = (program: Program): SavedTables => ({
  ...madeOf(program),
  snapshots: machinesOf(program).map(({ snapshots }) => snapshots.map(snapshotKey)),
  events: machinesOf(program).map(({ events }) => events.map((event) => JSON.stringify(event))),
  answers: program.answers.all.map((answer) => JSON.stringify(answer)),
  positions: program.positions.map((_, position) => savedPosition(program, position)),
});

const machinesOf = ({ tables }: Program): readonly MachineTable[] => [...new Set(tables)];

function savedPosition(program: Program, position: number): SavedPosition {
  const { key, says, thread, firstWay, ways } = program.positions[position] as Position;
  const those = program.ways.slice(firstWay, firstWay + ways);
  return [
    key,
    says,
    [thread, firstWay, ...those.flatMap(({ main, slots, events, rules }) => [main, slots.length, ...slots, ...events, ...rules])],
  ];
}

const madeOf = ({ world }: Program): Pick<SavedTables, 'objects' | 'threads'> => ({
  objects: world.slots.map(({ path, part: { machine, input, hearsFrees }, allocation }) => [
    path,
    JSON.stringify([machine.id, input, hearsFrees, allocation]),
  ]),
  threads: world.threads.map(({ name, kind, forever, cpu, calls }) => [
    name,
    JSON.stringify([kind, forever, cpu?.path ?? null, calls.map(spelled)]),
  ]),
});

const spelled = ({ operation, args, result, condition }: Call): Json => [
  operation.name,
  args.map(
    (arg) => JSON.stringify(encode(arg), (_, value: unknown) => (typeof value === 'function' ? String(value) : value)) ?? '',
  ),
  result,
  condition,
];

/** A checkpoint that does not belong to the scenario as it is now. */
export const refusal = (why: string): ModelError =>
  new ModelError(`The checkpoint was made of other sources: ${why}`, 'search anew, without --resume');

type Entry = readonly [asked: number, second: number, third: number, became: number, said: number];

/** Learns again what a journal tells of, in a program that has learned nothing yet. */
export class Relearning {
  private readonly program: Program;
  private readonly machines: readonly MachineTable[];
  private readonly saved: SavedTables;
  private readonly journal: Int32Array;
  private at = 0;

  /** @throws ModelError that names the object or the thread, if the scenario puts others together */
  constructor(program: Program, saved: SavedTables, journal: Int32Array) {
    if (program.journal.length > 0) throw new RangeError('tables that know something already cannot be learned again');
    this.program = program;
    this.machines = machinesOf(program);
    this.saved = saved;
    this.journal = journal;
    const { objects, threads } = madeOf(program);
    compareMade('object', saved.objects, objects);
    compareMade('thread', saved.threads, threads);
  }

  /**
   * Learns as far as to this length of the journal. What the program has learned by itself since then has to be what
   * stands there.
   * @throws ModelError that names what differs
   */
  upTo(length: number): void {
    if (this.at === 0 && length > 0) this.compareStart();
    for (; this.at < length; this.at += ENTRY) {
      const then = entryAt(this.journal, this.at);
      if (this.program.journal.length <= this.at) this.ask(then);
      const now = entryAt(this.program.journal.all, this.at);
      if (then[0] !== now[0] || then[1] !== now[1] || then[2] !== now[2]) throw refusal('other things are asked of them');
      if (then[0] < 0) this.compareStep(then, now);
      else this.compareAnswer(then, now);
    }
  }

  /** Learns all of it: then the program knows what it knew, and nothing else. */
  toTheEnd(): void {
    this.upTo(this.journal.length);
    const now = savedTables(this.program);
    for (const part of Object.keys(now) as (keyof SavedTables)[])
      if (JSON.stringify(now[part]) !== JSON.stringify(this.saved[part])) throw refusal(`their ${part} are others`);
    if (this.program.journal.length !== this.journal.length) throw refusal('more is asked of them');
  }

  private ask([asked, second, third]: Entry): void {
    try {
      this.program.learnAgain(asked, second, third);
    } catch (error) {
      if (error instanceof ModelError) throw refusal(error.message);
      throw error;
    }
  }

  private compareStart(): void {
    const { program, saved } = this;
    const begin = program.initial();
    for (const { index, path } of program.world.slots) {
      const then = saved.snapshots[this.machineOf(index)]?.[begin[index] as number] ?? '';
      const now = snapshotKey(program.snapshot(begin, index));
      if (then !== now) throw refusal(`"${path}" started as ${conditionOf(then)}, and starts as ${conditionOf(now)} now`);
    }
    for (const [thread, position] of begin.subarray(program.slots, -1).entries())
      this.comparePosition(position, position, `${this.threadAt(thread, 0)} began at`);
  }

  private compareAnswer(then: Entry, now: Entry): void {
    const { program, saved, machines } = this;
    const [slot, snapshot, event] = then;
    const machine = this.machineOf(slot);
    const { snapshots, events } = machines[machine] as MachineTable;
    const old = saved.snapshots[machine] ?? [];
    const before = outcome(then, old[then[3] - NEXT], saved.answers[then[4]]);
    const today = outcome(now, textOf(snapshots[now[3] - NEXT]), JSON.stringify(program.answers.all[now[4]]));
    if (before === today && then[3] === now[3] && then[4] === now[4]) return;
    const { path, part } = program.world.slots[slot] as World['slots'][number];
    throw refusal(
      `"${path}" (machine "${part.machine.id}") answers "${events[event]?.type}" in ${conditionOf(old[snapshot] ?? '')} otherwise: ${before} then, ${today} now`,
    );
  }

  private compareStep(then: Entry, now: Entry): void {
    const { program, saved } = this;
    const [from, , answer] = then;
    const { thread, root } = program.positions[~from] as Position;
    const { reply } = program.answers.all[answer] ?? { reply: null };
    const got = answer < 0 ? ', where it was stopped,' : reply === null ? '' : ` = ${JSON.stringify(reply)}`;
    const when = `${this.threadAt(thread, root.call)} after ${standing(saved.positions[~from])}${got} came to`;
    this.comparePosition(then[3], now[3], when);
    if (then[4] !== now[4]) throw refusal(`${when} ${standing(saved.positions[then[3]])} in the same call or turn, or did not`);
  }

  private comparePosition(then: number, now: number, when: string): void {
    const before = this.saved.positions[then] ?? NOWHERE;
    const today = savedPosition(this.program, now);
    if (then === now && JSON.stringify(before) === JSON.stringify(today)) return;
    const [one, other] = [standing(before), standing(today)];
    if (one !== other) throw refusal(`${when} ${one}, and comes to ${other} now`);
    throw refusal(
      before[0] === today[0]
        ? `${when} ${one}, and this step says ${today[1]} now instead of ${before[1]}`
        : `${when} ${one} with ${before[0]}, and comes there with ${today[0]} now`,
    );
  }

  private machineOf(slot: number): number {
    return this.machines.indexOf(this.program.tables[slot] as MachineTable);
  }

  private threadAt(thread: number, call: number): string {
    const { name, calls } = this.program.world.threads[thread] as World['threads'][number];
    const { operation } = calls[call] ?? {};
    return operation === undefined ? `Thread "${name}"` : `Thread "${name}": ${operation.name}()`;
  }
}

const NOWHERE: SavedPosition = ['', 'null', []];

const textOf = (snapshot: AnyMachineSnapshot | undefined): string | undefined => snapshot && snapshotKey(snapshot);

const entryAt = (journal: Int32Array, at: number): Entry => [...journal.subarray(at, at + ENTRY)] as unknown as Entry;

function compareMade(what: string, then: SavedTables['objects'], now: SavedTables['objects']): void {
  for (const [i, [name, made]] of now.entries()) {
    const [oldName, oldMade] = then[i] ?? [];
    if (oldName === undefined) throw refusal(`the ${what} "${name}" is new`);
    if (oldName !== name) throw refusal(`where the ${what} "${oldName}" was is "${name}" now`);
    if (oldMade !== made) throw refusal(`the ${what} "${name}" was made of ${oldMade}, and is made of ${made} now`);
  }
  const [gone] = then[now.length] ?? [];
  if (gone !== undefined) throw refusal(`the ${what} "${gone}" is no more`);
}

/** The state and the context of a snapshot, as its text has them. */
function conditionOf(text: string): string {
  const [value, context] = JSON.parse(text || '[null,null]') as readonly unknown[];
  return `${stateName(value)} ${JSON.stringify(context)}`;
}

function outcome([, , , cell]: Entry, snapshot = '', answer = '{}'): string {
  if (cell === DISABLED) return 'not at all';
  const { reply, splats } = JSON.parse(answer) as Partial<Answer>;
  const said = [...(reply === null ? [] : [reply]), ...(splats ?? [])].map((one) => JSON.stringify(one));
  return [...said, conditionOf(snapshot)].join(', ');
}

/** Before which step a thread stands. */
function standing([, says]: SavedPosition = NOWHERE): string {
  const [way] = (JSON.parse(says) ?? []) as Step['step'] | [];
  const message = way?.messages[0];
  return message === undefined ? 'its end' : `${message.event.type} of "${message.object}"`;
}
