/** One machine as tables of integers, filled as its snapshots are met: each (snapshot, event) is asked once. */
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition } from 'xstate';
import type { Json } from '../../machines/object.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { freeze, survivesJson } from '../model/json.ts';
import { checkLaws } from '../model/laws.ts';
import type { Slot } from '../model/world.ts';
import { type Answer, ask } from './answer.ts';

/** A cell says what comes of an event in a snapshot: nothing known yet, not enabled, or NEXT more than the next snapshot. */
export const UNKNOWN = 0;
export const DISABLED = 1;
export const NEXT = 2;

/** A machine with more snapshots than this is not meant to be finite. */
const MOST_SNAPSHOTS = 65536;

/** What an answer is, for those who need not know what it says. */
export const SPLATS = 1;
export const STOPS = 2;

export class Answers {
  readonly all: Answer[] = [];
  /** By answer: SPLATS, STOPS. Replaced when it grows. */
  flags = new Uint8Array(64);
  private readonly ids = new Map<string, number>();

  intern(answer: Answer): number {
    const key = JSON.stringify(answer);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.all.push(freeze(answer)) - 1;
      this.ids.set(key, id);
      if (id >= this.flags.length) this.flags = doubledBytes(this.flags);
      this.flags[id] = (answer.splats.length > 0 ? SPLATS : 0) | (answer.stops ? STOPS : 0);
    }
    return id;
  }
}

const doubledBytes = (old: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  const longer = new Uint8Array(old.length * 2);
  longer.set(old);
  return longer;
};

/** A snapshot is its value, its context and its status: what else it holds is the same for all. */
export const snapshotKey = (snapshot: AnyMachineSnapshot): string =>
  JSON.stringify([snapshot.value, snapshot.context, snapshot.status]);

const textOf = (asked: ReturnType<typeof ask>): string =>
  asked === null ? '' : `${snapshotKey(asked.next)} ${JSON.stringify(asked.answer)}`;

export class MachineTable {
  /** How often XState was asked. */
  questions = 0;
  readonly snapshots: AnyMachineSnapshot[] = [];
  readonly events: { readonly type: string; readonly [key: string]: Json }[] = [];

  private readonly machine: AnyStateMachine;
  private readonly answers: Answers;
  private readonly snapshotIds = new Map<string, number>();
  private readonly eventIds = new Map<string, number>();
  /**
   * By snapshot and event two numbers: the cell, and the answer to it. A row is `stride` cells wide. Both are replaced
   * when the table grows.
   */
  cells = new Int32Array(0);
  stride = 8;

  constructor(machine: AnyStateMachine, answers: Answers) {
    this.machine = machine;
    this.answers = answers;
  }

  /** The snapshot in which a part of this machine starts. */
  initial(slot: Slot): number {
    try {
      const [snapshot] = initialTransition(this.machine, slot.part.input);
      return this.intern(snapshot as AnyMachineSnapshot, slot);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError(
        `"${slot.path}": machine "${this.machine.id}" does not start: ${messageOf(error)}`,
        'mend the machine',
      );
    }
  }

  event(event: { readonly type: string; readonly [key: string]: Json }): number {
    const key = JSON.stringify(event);
    let id = this.eventIds.get(key);
    if (id === undefined) {
      id = this.events.push(event) - 1;
      this.eventIds.set(key, id);
      if (id >= this.stride) this.widen();
    }
    return id;
  }

  /** Asks the machine what it does, if that is not known yet. @returns where in `cells` it stands */
  look(snapshot: number, event: number, slot: Slot): number {
    if (this.cells[2 * (snapshot * this.stride + event)] === UNKNOWN) this.learn(snapshot, event, slot);
    return 2 * (snapshot * this.stride + event);
  }

  private learn(snapshot: number, event: number, slot: Slot): void {
    const from = this.snapshots[snapshot] as AnyMachineSnapshot;
    const said = this.events[event] as { type: string };
    const asked = ask(this.machine, from, said);
    const again = ask(this.machine, from, said);
    this.questions += 2;
    // What is refused gets no number.
    if (textOf(asked) !== textOf(again))
      throw new ModelError(
        `"${slot.path}": machine "${this.machine.id}" answers "${said.type}" differently when asked twice`,
        'no time, no randomness and no variables outside the context',
      );
    const cell = asked === null ? DISABLED : NEXT + this.intern(asked.next, slot);
    const answer = asked === null ? -1 : this.answers.intern(asked.answer);
    const at = 2 * (snapshot * this.stride + event);
    this.cells[at + 1] = answer;
    this.cells[at] = cell;
  }

  private intern(snapshot: AnyMachineSnapshot, slot: Slot): number {
    const key = snapshotKey(snapshot);
    const known = this.snapshotIds.get(key);
    if (known !== undefined) return known;
    this.check(snapshot, key, slot);
    const id = this.snapshots.push(snapshot) - 1;
    this.snapshotIds.set(key, id);
    this.lengthen();
    return id;
  }

  private check(snapshot: AnyMachineSnapshot, key: string, { path, part }: Slot): void {
    const name = `"${path}": machine "${this.machine.id}"`;
    const context = JSON.stringify(snapshot.context);
    if (JSON.stringify(JSON.parse(key)) !== key || !survivesJson(snapshot.context))
      throw new ModelError(
        `${name} has a context that JSON cannot hold: ${context}`,
        'numbers, strings, booleans, lists and plain objects',
      );
    if (snapshot.status !== 'active')
      throw new ModelError(
        `${name} comes to an end (${snapshot.status})`,
        'wrong use splats and stays; a final state would block all who come later',
      );
    if (!part.range(snapshot.context))
      throw new ModelError(`${name} leaves its declared range: ${context}`, 'widen the range, or bound the scenario');
    if (this.snapshots.length >= MOST_SNAPSHOTS)
      throw new ModelError(
        `${name} has more than ${MOST_SNAPSHOTS} snapshots`,
        'bound what its context counts, and declare the range',
      );
    freeze(snapshot.context);
  }

  private widen(): void {
    const row = 2 * this.stride;
    const wide = new Int32Array(this.cells.length * 2);
    for (let at = 0; at < this.cells.length; at += row) wide.set(this.cells.subarray(at, at + row), 2 * at);
    this.cells = wide;
    this.stride *= 2;
  }

  private lengthen(): void {
    const needed = 2 * this.snapshots.length * this.stride;
    if (needed <= this.cells.length) return;
    const longer = new Int32Array(Math.max(needed, this.cells.length * 2));
    longer.set(this.cells);
    this.cells = longer;
  }
}

export type TableOf = (slot: Slot) => MachineTable;

export function tablesByMachine(answers: Answers): TableOf {
  const tables = new Map<AnyStateMachine, MachineTable>();
  return ({ path, part: { machine } }) => {
    let table = tables.get(machine);
    if (table === undefined) {
      checkLaws(path, machine);
      tables.set(machine, (table = new MachineTable(machine, answers)));
    }
    return table;
  };
}
