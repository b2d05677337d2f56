/** The objects of a variant, each part in a slot of its own, and what a step of kernel code says to which slot. */
import { inspect } from 'node:util';
import type { Alternative, Meaning, Message } from '../../actors/step.ts';
import { allocation, environment, nullPage, poolSlot } from '../../machines/built-in.ts';
import type { AnyPart, Json, Name, Struct } from '../../machines/object.ts';
import { ModelError } from './errors.ts';
import { survivesJson } from './json.ts';
import { nearest } from './nearest.ts';
import type { Objects, Variant } from './scenario.ts';
import { checkVariantLaws } from './variant-laws.ts';
import type { Cursor, NamedThread } from './thread.ts';

export interface Slot {
  readonly index: number;
  readonly path: string;
  readonly part: AnyPart;
  /** The slot of the allocation that it lies in; null for what is never freed. */
  readonly allocation: number | null;
}

/** One message of a step, to one slot. */
export interface Send {
  readonly slot: number;
  readonly event: { readonly type: string } & { readonly [key: string]: Json };
  /**
   * `first`: where its answer stops the thread (the memory is freed, the pointer is NULL) the rest is not said.
   * `needed`: the step waits until the object can take it. `if-able`: said where the object takes it.
   * `run`: needed even for the first.
   */
  readonly rule: 'first' | 'needed' | 'if-able' | 'run';
  /** What the message means that it comes from; none where the checker adds it by itself, as a touch. */
  readonly means?: Meaning;
}

export interface Way {
  readonly name: string;
  readonly sends: readonly Send[];
  /** Which of the sends is what the step is: its reply goes to the kernel code. */
  readonly main: number;
}

interface Instance {
  readonly name: string;
  readonly struct: Struct;
  readonly pooled: boolean;
}

export class World {
  readonly slots: Slot[] = [];
  readonly instances: Instance[] = [];
  readonly threads: readonly NamedThread[];
  private readonly objects: Objects;
  private readonly slotAt = new Map<string, number>();

  constructor(variant: Variant) {
    checkVariantLaws(variant);
    this.objects = variant.objects;
    this.threads = Object.entries(variant.threads).map(([name, thread]) => ({
      ...thread,
      name,
      // What a daemon's calls return goes to nobody.
      keepsResults: variant.serialisable !== null && thread.kind === 'task',
    }));
    this.place('NULL', nullPage, null);
    this.place('environment', environment, null);
    for (const [name, object] of Object.entries(variant.objects)) {
      if (!('pool' in object)) this.instantiate({ name, struct: object, pooled: false }, variant.start);
      else
        for (const { name: thread } of this.threads)
          for (let n = 0; n < object.perThread; n++)
            this.instantiate({ name: slotName(name, thread, n), struct: object.pool, pooled: true }, variant.start);
    }
    for (const path of Object.keys(variant.start)) this.slot(path, 'start');
  }

  private place(path: string, part: AnyPart, inAllocation: number | null): number {
    const index = this.slots.length;
    this.slots.push({ index, path, part, allocation: inAllocation });
    this.slotAt.set(path, index);
    return index;
  }

  private instantiate(instance: Instance, start: Variant['start']): void {
    const { name, struct, pooled } = instance;
    this.instances.push(instance);
    const heap = struct.lifetime === 'heap' || pooled;
    const memory = heap ? this.place(`${name}.allocation`, pooled ? poolSlot(name) : allocation(name), null) : null;
    for (const [field, part] of Object.entries(struct.parts)) {
      const path = `${name}.${field}`;
      const override = start[path];
      this.place(path, override === undefined ? part : { ...part, input: { ...part.input, ...override } }, memory);
    }
  }

  slot(path: string, place: string): Slot {
    const index = this.slotAt.get(path);
    if (index !== undefined) return this.slots[index] as Slot;
    const near = nearest(path, [...this.slotAt.keys()]);
    throw new ModelError(`${place} names "${path}", which no object of this variant has`, near && `did you mean "${near}"?`);
  }

  /** The object of a path that a slot belongs to, as a report names it: the struct of an allocation, else the part. */
  nameOf(slot: number): string {
    const { path } = this.slots[slot] as Slot;
    return path.endsWith('.allocation') ? path.slice(0, -'.allocation'.length) : path;
  }

  /** What the thread's present step says, way by way, with what the checker adds to it. */
  waysOf(cursor: Cursor): readonly Way[] {
    return cursor.step === null ? [] : cursor.step.step.map((way) => this.resolve(way, cursor));
  }

  private resolve(way: Alternative, cursor: Cursor): Way {
    const said = way.messages.map((message) => this.sendsOf(message, cursor));
    const flat = said.flat();
    // One touch for each allocation, and before anything else is said.
    const guards = flat.filter((send, i) => send.rule === 'first' && flat.findIndex((other) => other.slot === send.slot) === i);
    const { cpu, name } = cursor.thread;
    const processor = cpu === null ? null : this.slot(cpu.path, 'cpu').index;
    // A step that speaks to the CPU itself is told by the CPU whether it may.
    const running: readonly Send[] =
      processor === null || flat.some((send) => send.slot === processor)
        ? []
        : [{ slot: processor, event: { type: 'run', by: name }, rule: 'run' }];
    const sends = [...running, ...guards, ...flat.filter((send) => send.rule !== 'first')];
    const slots = sends.map((send) => send.slot);
    const twice = slots.find((slot, i) => slots.indexOf(slot) !== i);
    if (twice !== undefined)
      throw new ModelError(`A step of thread "${name}" says two things to "${this.nameOf(twice)}" at once`);
    const subject = said[0]?.find((send) => send.rule === 'needed') ?? said[0]?.[0];
    return { name: way.name, sends, main: sends.findIndex((send) => send === subject) };
  }

  private sendsOf(message: Message, cursor: Cursor): readonly Send[] {
    const { object: path, event, means } = message;
    if (path === 'NULL' || path.startsWith('NULL.')) return [{ slot: 0, event: { type: event.type }, rule: 'first' }];
    if (event.type === 'kzalloc') return [this.allocate(path, cursor)];
    if (event.type === 'kfree') return this.free(path, cursor);
    const { index, allocation: memory } = this.slot(path, `A step of thread "${cursor.thread.name}"`);
    if (!survivesJson(event))
      throw new ModelError(
        `Thread "${cursor.thread.name}" says to "${path}" what JSON cannot hold: ${inspect(event)}`,
        'numbers, strings, booleans, handles, lists and plain objects',
      );
    const stamped = means.stamped || means.kind === 'acquire' || means.kind === 'release';
    const said = { ...needed(index, stamped ? { ...event, by: cursor.thread.name } : event), means };
    return memory === null ? [said] : [{ slot: memory, event: { type: 'touch' }, rule: 'first' }, said];
  }

  private allocate(pool: string, cursor: Cursor): Send {
    const { name: thread } = cursor.thread;
    const object = this.objects[pool];
    if (object === undefined || !('pool' in object))
      throw new ModelError(
        `Thread "${thread}" allocates from "${pool}", which is not a pool of this variant`,
        'objects: { … pool(…) }',
      );
    const n = cursor.allocations(pool);
    if (n >= object.perThread)
      throw new ModelError(
        `Thread "${thread}" allocates from "${pool}" for the ${ordinal(n + 1)} time, and the pool has ${object.perThread} for each thread`,
        `give it more: pool(…, ${n + 1}); a loop that allocates for ever cannot be explored`,
      );
    return needed(this.slot(`${slotName(pool, thread, n)}.allocation`, 'kzalloc').index, { type: 'kzalloc' });
  }

  private free(path: string, cursor: Cursor): readonly Send[] {
    const instance = this.instances.find(({ name }) => name === path);
    if (instance === undefined || !this.slotAt.has(`${path}.allocation`))
      throw new ModelError(
        `Thread "${cursor.thread.name}" frees "${path}", which is not on the heap`,
        'struct(…), not globals(…)',
      );
    const entry: Json & Name = { at: path };
    const memory = this.slotAt.get(`${path}.allocation`) as number;
    const own = this.slots.filter((slot) => slot.allocation === memory && !slot.part.hearsFrees);
    const hearing = this.slots.filter((slot) => slot.part.hearsFrees);
    return [
      { slot: memory, event: { type: 'kfree' }, rule: 'first' },
      // Locks tell whether it is their holder who frees them.
      ...own.map(({ index }): Send => ({ slot: index, event: { type: 'kfree', by: cursor.thread.name }, rule: 'if-able' })),
      ...hearing.map(({ index }): Send => ({ slot: index, event: { type: 'freed', entry }, rule: 'if-able' })),
    ];
  }
}

const needed = (slot: number, event: Send['event']): Send => ({ slot, event, rule: 'needed' });
const slotName = (pool: string, thread: string, n: number): string =>
  n === 0 ? `${pool}@${thread}` : `${pool}@${thread}#${n + 1}`;
const ordinal = (n: number): string =>
  `${n}${['th', 'st', 'nd', 'rd'][n % 10 > 3 || Math.trunc(n / 10) % 10 === 1 ? 0 : n % 10] ?? 'th'}`;
