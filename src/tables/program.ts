/**
 * A variant as tables of integers: what the machines answer and where the threads go, learned as the search meets it.
 *
 * A state is a vector of integers: a snapshot for each slot, a position for each thread, and whether a finding has
 * been on the way to it (what follows a finding is a consequence of it).
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Event } from '../../actors/step.ts';
import type { Json, Splat } from '../../machines/object.ts';
import type { Variant } from '../model/scenario.ts';
import { Cursor, type Held, type Root } from '../model/thread.ts';
import { type Send, World } from '../model/world.ts';
import type { Answer } from './answer.ts';
import { Answers, DISABLED, type MachineTable, tablesByMachine } from './machine-table.ts';

/** The rules of `Send`, as small integers. */
const RULES: readonly Send['rule'][] = ['first', 'needed', 'if-able', 'run'];
const FIRST = 0;
const IF_ABLE = 2;
const RUN = 3;

/** The step is enabled, and nothing stops the thread before it is done. */
const WHOLE = -2;

/** What the search has to know of a step of kernel code, in the words of the model. */
export interface Position {
  readonly thread: number;
  /** Names it: two cursors with the same key stand in the same position. */
  readonly key: string;
  readonly status: Cursor['status'];
  readonly root: Root;
  readonly log: readonly Json[];
  readonly held: readonly Held[];
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

/** A splat in the course of the last `take`. */
export interface Raised {
  readonly slot: number;
  readonly splat: Splat;
}

export class Program {
  readonly world: World;
  readonly positions: Position[] = [];
  readonly ways: CompiledWay[] = [];
  readonly width: number;
  readonly slots: number;
  readonly threads: number;
  /** Some thread has come round to where it was: only then can the state graph have cycles. */
  hasLoops = false;
  /** What the last `take` raised. Not to be kept: it is emptied by the next. */
  readonly raised: Raised[] = [];
  /** In the last `take` a call returned. */
  returned = false;

  private readonly answers = new Answers();
  private readonly tables: MachineTable[];
  private readonly positionIds: readonly Map<string, number>[];

  constructor(variant: Variant) {
    this.world = new World(variant);
    this.slots = this.world.slots.length;
    this.threads = this.world.threads.length;
    this.positionIds = this.world.threads.map(() => new Map());
    this.width = this.slots + this.threads + 1;
    const tableOf = tablesByMachine(this.answers);
    this.tables = this.world.slots.map((slot) => tableOf(slot));
  }

  /** The state in which the scenario begins. */
  initial(): Int32Array {
    const state = new Int32Array(this.width);
    for (const slot of this.world.slots) state[slot.index] = this.table(slot.index).initial(slot);
    for (const [index, thread] of this.world.threads.entries())
      state[this.slots + index] = this.intern(index, new Cursor(thread));
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

  isTainted(state: Int32Array): boolean {
    return state[this.width - 1] === 1;
  }

  taint(state: Int32Array): void {
    state[this.width - 1] = 1;
  }

  enabled(state: Int32Array, way: number): boolean {
    return this.look(state, this.ways[way] as CompiledWay) !== DISABLED;
  }

  anyEnabled(state: Int32Array, thread: number): boolean {
    const { firstWay, ways } = this.position(state, thread);
    for (let way = firstWay; way < firstWay + ways; way++) if (this.enabled(state, way)) return true;
    return false;
  }

  /** No thread can move any more. */
  isTerminal(state: Int32Array): boolean {
    for (let thread = 0; thread < this.threads; thread++) if (this.anyEnabled(state, thread)) return false;
    return true;
  }

  /** As `take`, with the way as an index into those of the thread's position. */
  choose(state: Int32Array, { thread, way }: { readonly thread: number; readonly way: number }, into: Int32Array): boolean {
    return this.take(state, thread, this.position(state, thread).firstWay + way, into);
  }

  /**
   * Takes one way of a thread's step.
   * @returns false where it is not enabled; otherwise `into` is the state after it, and `raised` what was complained of
   */
  take(state: Int32Array, thread: number, way: number, into: Int32Array): boolean {
    const compiled = this.ways[way] as CompiledWay;
    const stoppedAt = this.look(state, compiled);
    if (stoppedAt === DISABLED) return false;
    into.set(state);
    this.raised.length = 0;
    const { slots, events, rules, main, kids } = compiled;
    let stops = false;
    let mainAnswer = -1;
    for (let i = 0; i < slots.length; i++) {
      // Memory that is freed, or a NULL pointer: the rest of the step is not said.
      if (stoppedAt !== WHOLE && i !== stoppedAt) continue;
      const slot = slots[i] as number;
      const event = events[i] as number;
      const table = this.tables[slot] as MachineTable;
      const snapshot = state[slot] as number;
      const next = table.after(snapshot, event, this.world.slots[slot] as never);
      if (next === DISABLED) {
        if (rules[i] !== IF_ABLE) throw new RangeError('a way that was enabled is not');
        continue;
      }
      into[slot] = next;
      const answerId = table.answerTo(snapshot, event);
      const answer = this.answers.all[answerId] as Answer;
      if (i === main) mainAnswer = answerId;
      if (answer.splats.length > 0) {
        for (const splat of answer.splats) this.raised.push({ slot, splat });
        stops ||= answer.stops;
      }
    }
    if (this.raised.length > 0) this.taint(into);
    const key = stops ? -1 : mainAnswer;
    const kid = kids.get(key) ?? this.follow(state, thread, way, stops, mainAnswer);
    into[this.slots + thread] = kid.position;
    this.returned = kid.returned;
    return true;
  }

  /** DISABLED, the index of the send at which the thread is stopped, or WHOLE. */
  private look(state: Int32Array, { slots, events, rules }: CompiledWay): number {
    let enabled = true;
    for (let i = 0; i < slots.length; i++) {
      const rule = rules[i] as number;
      if (rule === IF_ABLE) continue;
      const slot = slots[i] as number;
      const table = this.tables[slot] as MachineTable;
      const snapshot = state[slot] as number;
      const event = events[i] as number;
      if (table.after(snapshot, event, this.world.slots[slot] as never) === DISABLED) {
        // While its CPU is in a handler, a thread does not even touch freed memory.
        if (rule === RUN) return DISABLED;
        enabled = false;
      } else if (rule === FIRST && (this.answers.all[table.answerTo(snapshot, event)] as Answer).stops) return i;
    }
    return enabled ? WHOLE : DISABLED;
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

  private follow(state: Int32Array, thread: number, way: number, stops: boolean, answer: number): Kid {
    const from = this.position(state, thread);
    const cursor = this.cursorAt(from);
    const { reply } = this.answers.all[answer] ?? { reply: null };
    cursor.feed(way - from.firstWay, reply, stops);
    const { returned, wentRound } = cursor;
    this.hasLoops ||= wentRound;
    const kid = { position: this.intern(thread, cursor), reply, stops, returned, wentRound };
    (this.ways[way] as CompiledWay).kids.set(stops ? -1 : answer, kid);
    return kid;
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
    this.positions.push({
      thread,
      key,
      status: cursor.status,
      root,
      log: [...log],
      held: [...cursor.locksHeld],
      step: first === undefined ? null : { event: first.event, object: first.object, stack: () => step?.stack ?? '' },
      waits: first?.means.kind === 'wait',
      acquires,
      reacquires: acquires !== null && cursor.locksHeld.some((held) => held.object === acquires.object),
      firstWay: this.ways.length,
      ways: resolved.length,
      says: saysOf(cursor),
    });
    for (const { name, sends, main } of resolved) this.ways.push(this.compile(name, sends, main));
    return id;
  }

  private compile(name: string, sends: readonly Send[], main: number): CompiledWay {
    return {
      name,
      slots: Int32Array.from(sends, (send) => send.slot),
      events: Int32Array.from(sends, (send) => this.table(send.slot).event(send.event)),
      rules: Int32Array.from(sends, (send) => RULES.indexOf(send.rule)),
      main,
      kids: new Map(),
    };
  }

  private table(slot: number): MachineTable {
    return this.tables[slot] as MachineTable;
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
