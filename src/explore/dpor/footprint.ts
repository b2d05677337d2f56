/**
 * What a step touched: each slot that it looked at, and whether it read there or wrote.
 *
 * The class is by outcome. A step writes where the slot changed, or where its message means a write; else it reads, as a
 * compare-and-exchange does that fails. A step that had to stop at freed memory has read what it looked at so far. What a
 * footprint says depends on nothing but the slots in it: a step that writes none of them leaves it as it is, and that is
 * why two steps of different threads that do not conflict may be exchanged.
 */
import type { Json } from '../../../machines/object.ts';
import type { Program } from '../../tables/program.ts';
import { type FieldAccess, fieldAccesses, mayRace, writesHere } from '../races/accesses.ts';
import { ordersOf, pointedAt } from '../races/orders.ts';

/** Which writes conflict: all to one slot (`location`), or not those that are the same message and leave the same (`values`). */
export type Dependence = 'location' | 'values';

/** The classes of an access. Beyond `WRITE` it is a write that commutes with its like: the number tells which are alike. */
const NONE = 0;
export const READ = 1;
export const WRITE = 2;

/** The rules of `Send`, as the tables number them. */
const FIRST = 0;
const IF_ABLE = 2;

/** How two steps of different threads bear on each other. */
export const DEPENDS = 1;
/** They access one field, one of them writes and one is plain. */
export const RACES = 2;
const UNKNOWN = 255;

/** What bears on other steps. Few steps of a program differ in it, wherever their threads stand. */
export interface Shape {
  readonly id: number;
  readonly thread: number;
  /** Slots, then one place for each predicate; class by class in `classes`. */
  readonly places: readonly number[];
  readonly classes: readonly number[];
  /** What it accesses, for data races. */
  readonly fields: readonly FieldAccess[];
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly syncs: Syncs;
}

/** What a step does by which threads are ordered. */
export interface Syncs {
  readonly releases: readonly { readonly slot: number; readonly event: string }[];
  readonly acquires: readonly Acquire[];
  /** What it has stored without a look at what was there: who reads that has read nothing earlier. */
  readonly hides: readonly number[];
}

export interface Acquire {
  readonly slot: number;
  /** Only from releases by these events; null for all. */
  readonly after: readonly string[] | null;
  /** Only what lies in this object comes after them; null for all that the thread does from now on. */
  readonly within: string | null;
}

export interface Footprint {
  readonly thread: number;
  /** Of all ways of all positions. */
  readonly way: number;
  readonly shape: Shape;
  /** The thread went back to where a loop or the thread began. */
  readonly wentRound: boolean;
}

export class Footprints {
  private readonly shapes: Shape[] = [];
  private readonly shapeByKey = new Map<string, Shape>();
  private readonly program: Program;
  readonly dependence: Dependence;
  /** By predicate, the places of the state that it looks at: whatever changes one of them is ordered. */
  private readonly visible: readonly ReadonlySet<number>[];
  /** By way: its footprints, and what tells them apart. */
  private readonly known: { readonly footprint: Footprint; readonly signature: Int32Array }[][] = [];
  /** By later and earlier shape. */
  private readonly relation: Uint8Array[] = [];
  private signature = new Int32Array(8);

  constructor(program: Program, dependence: Dependence, visible: readonly ReadonlySet<number>[]) {
    this.program = program;
    this.dependence = dependence;
    this.visible = visible;
  }

  /** To be asked right after `program.take`. */
  of(before: Int32Array, thread: number, way: number, after: Int32Array): Footprint {
    const { slots, events, main } = this.program.ways[way] as Program['ways'][number];
    const length = slots.length + 2;
    if (this.signature.length < length) this.signature = new Int32Array(length * 2);
    const { signature } = this;
    this.classify(before, way, after);
    const answer = this.program.stoppedAt >= 0 ? -1 : this.answerTo(slots[main] as number, before, events[main] as number);
    signature[slots.length] = after[this.program.slots + thread] as number;
    signature[slots.length + 1] = answer;
    const known = (this.known[way] ??= []);
    search: for (const entry of known) {
      for (let i = 0; i < length; i++) if (entry.signature[i] !== signature[i]) continue search;
      return entry.footprint;
    }
    const footprint = this.make(thread, way, after, answer);
    known.push({ footprint, signature: signature.slice(0, length) });
    return footprint;
  }

  /** How a step of one shape bears on an earlier one of another. */
  relate(later: Shape, earlier: Shape): number {
    const known = this.relation[later.id]?.[earlier.id];
    if (known !== undefined && known !== UNKNOWN) return known;
    let row = this.relation[later.id] as Uint8Array;
    if (earlier.id >= row.length) {
      row = new Uint8Array(this.shapes.length * 2).fill(UNKNOWN);
      row.set(this.relation[later.id] as Uint8Array);
      this.relation[later.id] = row;
    }
    return (row[earlier.id] = relationOf(later, earlier));
  }

  /** Exchanged, they would not be what they are. */
  depend(later: Footprint, earlier: Footprint): boolean {
    return (this.relate(later.shape, earlier.shape) & DEPENDS) !== 0;
  }

  private answerTo(slot: number, before: Int32Array, event: number): number {
    return this.program.answerOf(slot, before[slot] as number, event);
  }

  private classify(before: Int32Array, way: number, after: Int32Array): void {
    const { slots, events, means } = this.program.ways[way] as Program['ways'][number];
    const { stoppedAt } = this.program;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const writes = before[slot] !== after[slot] || (stoppedAt < 0 && means[i]?.kind === 'write');
      this.signature[i] = stoppedAt >= 0 && i > stoppedAt ? NONE : writes ? WRITE : READ;
      if (this.dependence === 'values' && means[i]?.kind === 'write' && this.signature[i] === WRITE)
        this.signature[i] = this.likeness(slot, before[slot] as number, events[i] as number);
    }
  }

  /** Writes are alike where to write the same once more changes nothing and is answered alike. */
  private likeness(slot: number, snapshot: number, event: number): number {
    const { program } = this;
    const next = program.nextOf(slot, snapshot, event);
    if (next < 0 || program.nextOf(slot, next, event) !== next) return WRITE;
    if (program.answerOf(slot, snapshot, event) !== program.answerOf(slot, next, event)) return WRITE;
    return WRITE + 1 + event * 65536 + next;
  }

  private make(thread: number, way: number, after: Int32Array, answer: number): Footprint {
    const { program } = this;
    const { slots, kids } = program.ways[way] as Program['ways'][number];
    const classes = new Map<number, number>();
    for (const [i, slot] of slots.entries()) if (this.signature[i] !== NONE) classes.set(slot, this.signature[i] as number);
    this.addArrival(thread, after, classes);
    const changed = new Set([program.slots + thread, ...[...classes].flatMap(([slot, is]) => (is >= WRITE ? [slot] : []))]);
    for (const [i, places] of this.visible.entries())
      if ([...places].some((place) => changed.has(place))) classes.set(program.slots + i, WRITE);
    const here = [...kids.values()].filter(({ position }) => position === after[program.slots + thread]);
    const shape = this.shapeOf({
      thread,
      places: [...classes.keys()],
      classes: [...classes.values()],
      ...this.accesses(way),
      syncs: this.syncs(way, program.answers.all[answer]?.reply ?? null),
    });
    return { thread, way, shape, wentRound: here.some(({ wentRound }) => wentRound) };
  }

  private shapeOf(like: Omit<Shape, 'id'>): Shape {
    const key = JSON.stringify(like);
    let shape = this.shapeByKey.get(key);
    if (shape === undefined) {
      shape = { id: this.shapes.length, ...like };
      this.shapes.push(shape);
      this.shapeByKey.set(key, shape);
      this.relation.push(new Uint8Array(16).fill(UNKNOWN));
    }
    return shape;
  }

  /**
   * Who comes to stand before a lock that it holds is wrong in that state if the lock is not to be had, and so whether it
   * comes there before or after a change of the lock matters: it has looked at the lock.
   */
  private addArrival(thread: number, after: Int32Array, classes: Map<number, number>): void {
    const { reacquires, firstWay, ways } = this.program.position(after, thread);
    if (!reacquires) return;
    for (const { slots } of this.program.ways.slice(firstWay, firstWay + ways))
      for (const slot of slots) if (!classes.has(slot)) classes.set(slot, READ);
  }

  private accesses(way: number) {
    const fields: FieldAccess[] = [];
    const reads: number[] = [];
    const writes: number[] = [];
    if (this.program.stoppedAt < 0)
      for (const access of fieldAccesses(this.program, way)) {
        (writesHere(access, this.classOf(way, access.slot) >= WRITE) ? writes : reads).push(access.slot);
        fields.push(access);
      }
    return { fields, reads, writes };
  }

  private classOf(way: number, slot: number): number {
    const { slots } = this.program.ways[way] as Program['ways'][number];
    return this.signature[slots.indexOf(slot)] as number;
  }

  /** What it orders may be told by the reply, which is that of one object. */
  private syncs(way: number, reply: Json): Syncs {
    const { slots, events, means: all, main } = this.program.ways[way] as Program['ways'][number];
    const releases: Syncs['releases'][number][] = [];
    const acquires: Acquire[] = [];
    const hides: number[] = [];
    for (const [i, means] of all.entries()) {
      if (means === undefined || this.program.stoppedAt >= 0) continue;
      const slot = slots[i] as number;
      const orders = ordersOf(means, i === main ? reply : null);
      const after = means.after ?? null;
      const within = i === main ? pointedAt(reply) : null;
      if (orders === 'release' || orders === 'both') releases.push({ slot, event: this.nameOf(slot, events[i] as number) });
      if (means.kind === 'write') hides.push(slot);
      if (orders === 'acquire' || orders === 'both') acquires.push({ slot, after, within: null });
      if (orders === 'pointer' && within !== null) acquires.push({ slot, after, within });
    }
    return { releases, acquires, hides };
  }

  private nameOf(slot: number, event: number): string {
    return this.program.tables[slot]?.events[event]?.type ?? '';
  }
}

/** Whether an access of the one and an access of the other to the same place conflict. */
const conflict = (a: number, b: number): boolean => (a >= WRITE || b >= WRITE) && (a !== b || a === WRITE);

function relationOf(later: Shape, earlier: Shape): number {
  if (later.thread === earlier.thread) return DEPENDS;
  let relation = 0;
  for (const [i, place] of later.places.entries()) {
    const j = earlier.places.indexOf(place);
    if (j < 0 || !conflict(later.classes[i] as number, earlier.classes[j] as number)) continue;
    relation |= DEPENDS;
  }
  // Who acquires comes after the releases that were before, so that it matters which were.
  if (meet(earlier.syncs, later.syncs) || meet(later.syncs, earlier.syncs)) relation |= DEPENDS;
  return racesOf(later, earlier).length > 0 ? relation | RACES : relation;
}

const meet = ({ releases }: Syncs, { acquires }: Syncs): boolean =>
  acquires.some(({ slot, after }) => releases.some((one) => one.slot === slot && isAmong(after, one.event)));

/** Whether it acquires from releases by that event. */
export const isAmong = (after: Acquire['after'], event: string): boolean => after === null || after.includes(event);

/** The fields at which two accesses, unordered, make a data race. */
export function racesOf(a: Shape, b: Shape): readonly number[] {
  const touched = (step: Shape) => [...step.reads, ...step.writes];
  return touched(a).filter(
    (slot) =>
      touched(b).includes(slot) &&
      (a.writes.includes(slot) || b.writes.includes(slot)) &&
      a.fields.some((one) => one.slot === slot && b.fields.some((other) => mayRace(one, other))),
  );
}

/** The send is a touch of memory, or of a NULL pointer, after which nothing else may be said. */
export const isGuard = (rule: number | undefined): boolean => rule === FIRST;

/** The send may keep its step waiting. */
export const mayWait = (rule: number | undefined): boolean => rule !== IF_ABLE;
