/** One machine as tables of integers, filled as its snapshots are met: each (snapshot, event) is asked once. */
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition } from 'xstate';
import type { Json } from '../../machines/object.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { freeze, survivesJson } from '../model/json.ts';
import { checkLaws } from '../model/laws.ts';
import type { Slot } from '../model/world.ts';
import { type Answer, ask } from './answer.ts';

const UNKNOWN = -2;
export const DISABLED = -1;

/** A machine with more snapshots than this is not meant to be finite. */
const MOST_SNAPSHOTS = 65536;

export class Answers {
  readonly all: Answer[] = [];
  private readonly ids = new Map<string, number>();

  intern(answer: Answer): number {
    const key = JSON.stringify(answer);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.all.push(freeze(answer)) - 1;
      this.ids.set(key, id);
    }
    return id;
  }
}

/** A snapshot is its value, its context and its status: what else it holds is the same for all. */
export const snapshotKey = (snapshot: AnyMachineSnapshot): string =>
  JSON.stringify([snapshot.value, snapshot.context, snapshot.status]);

export class MachineTable {
  /** How often XState was asked. */
  questions = 0;
  readonly snapshots: AnyMachineSnapshot[] = [];
  readonly events: { readonly type: string; readonly [key: string]: Json }[] = [];

  private readonly machine: AnyStateMachine;
  private readonly answers: Answers;
  private readonly snapshotIds = new Map<string, number>();
  private readonly eventIds = new Map<string, number>();
  /** By snapshot and event: the next snapshot, DISABLED or UNKNOWN. A row is `stride` wide. */
  private next = new Int32Array(0);
  private answer = new Int32Array(0);
  private stride = 8;

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

  /** @returns the snapshot after the event, or DISABLED */
  after(snapshot: number, event: number, slot: Slot): number {
    const at = snapshot * this.stride + event;
    const known = this.next[at] as number;
    return known === UNKNOWN ? this.learn(snapshot, event, slot) : known;
  }

  /** The answer to an event that is not disabled, after `after` was asked. */
  answerTo(snapshot: number, event: number): number {
    return this.answer[snapshot * this.stride + event] as number;
  }

  private learn(snapshot: number, event: number, slot: Slot): number {
    const from = this.snapshots[snapshot] as AnyMachineSnapshot;
    const said = this.events[event] as { type: string };
    const asked = ask(this.machine, from, said);
    const again = ask(this.machine, from, said);
    this.questions += 2;
    const next = asked === null ? DISABLED : this.intern(asked.next, slot);
    const answer = asked === null ? DISABLED : this.answers.intern(asked.answer);
    const same =
      asked === null
        ? again === null
        : again !== null && snapshotKey(again.next) === snapshotKey(asked.next) && this.answers.intern(again.answer) === answer;
    if (!same)
      throw new ModelError(
        `"${slot.path}": machine "${this.machine.id}" answers "${said.type}" differently when asked twice`,
        'no time, no randomness and no variables outside the context',
      );
    this.next[snapshot * this.stride + event] = next;
    this.answer[snapshot * this.stride + event] = answer;
    return next;
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
    const stride = this.stride * 2;
    this.next = restride(this.next, this.stride, stride);
    this.answer = restride(this.answer, this.stride, stride);
    this.stride = stride;
  }

  private lengthen(): void {
    const needed = this.snapshots.length * this.stride;
    if (needed <= this.next.length) return;
    const length = Math.max(needed, this.next.length * 2);
    this.next = grown(this.next, length);
    this.answer = grown(this.answer, length);
  }
}

const grown = (old: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> => {
  const longer = new Int32Array(length).fill(UNKNOWN);
  longer.set(old);
  return longer;
};

const restride = (old: Int32Array<ArrayBuffer>, from: number, to: number): Int32Array<ArrayBuffer> => {
  const wide = new Int32Array((old.length / from) * to).fill(UNKNOWN);
  for (let row = 0; row * from < old.length; row++) wide.set(old.subarray(row * from, (row + 1) * from), row * to);
  return wide;
};

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
