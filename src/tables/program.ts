/**
 * A variant as tables of integers: what the machines answer and where the threads go, learned as the search meets it.
 *
 * A state is a vector of integers: a snapshot for each slot, a position for each thread, and whether a finding has
 * been on the way to it (what follows a finding is a consequence of it).
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Event, Meaning } from '../../actors/step.ts';
import type { Json, Splat } from '../../machines/object.ts';
import type { Variant } from '../model/scenario.ts';
import { withoutPlaces } from '../model/stack.ts';
import { type Held, type Kept, stepMaySleep } from '../model/held.ts';
import { Cursor, type Root } from '../model/thread.ts';
import { type Send, World } from '../model/world.ts';
import type { Answer } from './answer.ts';
import { Growing } from './growing.ts';
import { Answers, type MachineTable, tablesByMachine } from './machine-table.ts';
import { KEEPS, REACQUIRES, RULES, SLEEPS, Stepper } from './stepper.ts';

/** What the search has to know of a step of kernel code, in the words of the model. */
export interface Position {
  readonly thread: number;
  /** Names it: two cursors with the same key stand in the same position. */
  readonly key: string;
  readonly status: Cursor['status'];
  readonly root: Root;
  readonly log: readonly Json[];
  readonly held: readonly Held[];
  /** What the call that has just returned has not let go of. */
  readonly kept: readonly Kept[];
  /** The thread has turned interrupts off on its CPU. */
  readonly irqsOff: boolean;
  /** Null once the thread has ended or stopped. */
  readonly step: {
    readonly event: Event;
    readonly object: string /** Written out only when it is asked for. */;
    readonly stack: () => string;
  } | null;
  /** One of its ways is an acquire, of that object. */
  readonly acquires: { readonly way: number; readonly object: string } | null;
  /** The step is a wait for what others do. */
  readonly waits: boolean;
  /** The step is an acquire of what the thread already holds. */
  readonly reacquires: boolean;
  /** The step may sleep, and the thread must not: for a lock that it holds, in a handler, or with interrupts off. */
  readonly sleeps: boolean;
  readonly firstWay: number;
  readonly ways: number;
  /** All that the step says: what two cursors in one position must agree on. */
  readonly says: string;
}

interface CompiledWay {
  readonly name: string;
  readonly slots: Int32Array;
  readonly events: Int32Array;
  readonly rules: Int32Array;
  readonly main: number;
  /** What each message means; none for what the checker adds. */
  readonly means: readonly (Meaning | undefined)[];
  /** By the answer to the main message; -1 where the thread was stopped. */
  readonly kids: Map<number, Kid>;
}

/** Where the thread stands after a step, and how it came there. */
export interface Kid {
  readonly position: number;
  readonly reply: Json;
  readonly stops: boolean;
  /** The call in which the step was taken has returned. */
  readonly returned: boolean;
  /** It went back to where a loop or the thread began. */
  readonly wentRound: boolean;
}

/** How many numbers an entry of the journal has. */
export const ENTRY = 5;

/** A splat in the course of the last step. */
export interface Raised {
  readonly slot: number;
  readonly splat: Splat;
}

export class Program extends Stepper {
  readonly world: World;
  readonly positions: Position[] = [];
  readonly ways: CompiledWay[] = [];

  private begin: Int32Array | null = null;
  /**
   * What was learned, in order: of a machine the slot, the snapshot and the event, the cell and the answer; of a thread the
   * complement of its position, the way and the answer, the position to which it led, and whether its call returned or it
   * went round. Who asks the same in the same order gives everything the same numbers.
   */
  readonly journal = new Growing();
  readonly answers = new Answers();
  /** By slot; slots of one machine share one. */
  readonly tables: readonly MachineTable[];
  private readonly positionIds: readonly Map<string, number>[];

  constructor(variant: Variant) {
    const world = new World(variant);
    super(world.slots.length, world.threads.length);
    this.world = world;
    this.positionIds = world.threads.map(() => new Map());
    const tableOf = tablesByMachine(this.answers);
    this.tables = world.slots.map((slot) => tableOf(slot));
    this.refresh();
  }

  /** The state in which the scenario begins. Asked for again it is the same: whoever rehearses compares. */
  initial(): Int32Array {
    return (this.begin ??= this.started()).slice();
  }

  private started(): Int32Array {
    const state = new Int32Array(this.width);
    for (const slot of this.world.slots) state[slot.index] = this.table(slot.index).initial(slot);
    for (const [index, thread] of this.world.threads.entries())
      state[this.slots + index] = this.intern(index, new Cursor(thread));
    this.refresh();
    return state;
  }

  /** How many snapshots the machines have, and how often XState was asked for one. */
  get learned(): { readonly snapshots: number; readonly questions: number; readonly positions: number } {
    const tables = [...new Set(this.tables)];
    return {
      snapshots: tables.reduce((sum, table) => sum + table.snapshots.length, 0),
      questions: tables.reduce((sum, table) => sum + table.questions, 0),
      positions: this.positions.length,
    };
  }

  snapshot(state: Int32Array, slot: number): AnyMachineSnapshot {
    return this.table(slot).snapshots[state[slot] as number] as AnyMachineSnapshot;
  }

  position(state: Int32Array, thread: number): Position {
    return this.positions[state[this.slots + thread] as number] as Position;
  }

  /** As `take`, with the way as an index into those of the thread's position. */
  choose(state: Int32Array, { thread, way }: { readonly thread: number; readonly way: number }, into: Int32Array): boolean {
    return this.take(state, thread, this.position(state, thread).firstWay + way, into);
  }

  /** What the last step raised. */
  get raised(): readonly Raised[] {
    const raised: Raised[] = [];
    for (let i = 0; i < this.splats; i++) {
      const { splats } = this.answers.all[this.splatAnswers[i] as number] as Answer;
      for (const splat of splats) raised.push({ slot: this.splatSlots[i] as number, splat });
    }
    return raised;
  }

  protected override learnCell(slot: number, snapshot: number, event: number): void {
    const table = this.table(slot);
    const at = table.look(snapshot, event, this.world.slots[slot] as never);
    this.enter(slot, snapshot, event, table.cells[at] as number, table.cells[at + 1] as number);
    this.refresh();
  }

  /** Tables grow by being replaced. */
  private refresh(): void {
    for (const [slot, { cells, stride }] of this.tables.entries()) {
      this.cells[slot] = cells;
      this.strides[slot] = stride;
    }
    this.answerFlags = this.answers.flags;
  }

  /** The thread as it stood when it came to the position. */
  cursorAt(position: Position): Cursor {
    const cursor = new Cursor(this.world.threads[position.thread] as never, position.root, position.log);
    this.expect(cursor, position);
    return cursor;
  }

  /** @throws ModelError if the cursor has come to stand elsewhere, for then its operation is no function of its replies */
  expect(cursor: Cursor, { key, says }: Position): void {
    if (cursor.key !== key || says !== saysOf(cursor)) throw cursor.changedItsMind();
  }

  protected override learnKid(from: number, way: number, answer: number): void {
    const stops = answer < 0;
    const position = this.positions[from] as Position;
    const { reply } = this.answers.all[answer] ?? { reply: null };
    const cursor = withoutPlaces(() => {
      const cursor = this.cursorAt(position);
      cursor.feed(way - position.firstWay, reply, stops);
      return cursor;
    });
    const { returned, wentRound } = cursor;
    const kid = { position: this.intern(position.thread, cursor), reply, stops, returned, wentRound };
    (this.ways[way] as CompiledWay).kids.set(answer, kid);
    this.addKid(way, answer, kid.position, kid);
    this.enter(~from, way, answer, kid.position, (returned ? 1 : 0) | (wentRound ? 2 : 0));
    this.refresh();
  }

  private intern(thread: number, cursor: Cursor): number {
    const { key } = cursor;
    const known = this.positionIds[thread]?.get(key);
    if (known !== undefined) {
      this.expect(cursor, this.positions[known] as Position);
      return known;
    }
    const id = this.positions.length;
    this.positionIds[thread]?.set(key, id);
    const { root, log } = cursor.position;
    const { step } = cursor;
    const first = step?.step[0].messages[0];
    const resolved = this.world.waysOf(cursor);
    const acquires = acquireIn(cursor);
    const reacquires = acquires !== null && cursor.locksHeld.some((held) => held.object === acquires.object);
    const sleeps = stepMaySleep(step) && (cursor.hasIrqsOff || cursor.locksHeld.some(({ atomic }) => atomic));
    const kept = cursor.locksKept;
    this.addPosition((reacquires ? REACQUIRES : 0) | (sleeps ? SLEEPS : 0) | (kept.length > 0 ? KEEPS : 0));
    let stack: string | null = null;
    this.positions.push({
      thread,
      key,
      status: cursor.status,
      root,
      log: [...log],
      held: [...cursor.locksHeld],
      kept,
      irqsOff: cursor.hasIrqsOff,
      step: first === undefined ? null : { event: first.event, object: first.object, stack: () => (stack ??= this.stackAt(id)) },
      waits: first?.means.kind === 'wait',
      acquires,
      reacquires,
      sleeps,
      firstWay: this.ways.length,
      ways: resolved.length,
      says: saysOf(cursor),
    });
    for (const { name, sends, main } of resolved) this.ways.push(this.compile(name, sends, main));
    return id;
  }

  private stackAt(position: number): string {
    return this.cursorAt(this.positions[position] as Position).step?.stack ?? '';
  }

  private compile(name: string, sends: readonly Send[], main: number): CompiledWay {
    const slots = Int32Array.from(sends, (send) => send.slot);
    const events = Int32Array.from(sends, (send) => this.table(send.slot).event(send.event));
    const rules = Int32Array.from(sends, (send) => RULES.indexOf(send.rule));
    this.addWay(slots, events, rules, main);
    return { name, slots, events, rules, main, means: sends.map(({ means }) => means), kids: new Map() };
  }

  private table(slot: number): MachineTable {
    return this.tables[slot] as MachineTable;
  }

  private enter(...entry: readonly [number, number, number, number, number]): void {
    for (const number of entry) this.journal.push(number);
  }

  /** Learns what an entry of a journal tells of, whatever comes of it now. */
  learnAgain(asked: number, second: number, third: number): void {
    if (asked < 0) this.learnKid(~asked, second, third);
    else this.learnCell(asked, second, third);
  }
}

function acquireIn({ step }: Cursor): Position['acquires'] {
  for (const [way, { messages }] of step?.step.entries() ?? []) {
    const acquire = messages.find(({ means }) => means.kind === 'acquire');
    if (acquire !== undefined) return { way, object: acquire.object };
  }
  return null;
}

const saysOf = ({ step }: Cursor): string => JSON.stringify(step?.step ?? null);
