/**
 * What came of a run that is over: what the compared objects hold, and what each call of a task returned.
 *
 * Of objects everything counts that their machines keep, also who holds a lock that nobody gave back; a name of a thread
 * is no difference by itself, for the serial orders have the same threads. What lies in freed memory, or in memory that
 * was never allocated, does not count: nobody can look at it. Where a daemon stands does not count either.
 */
import type { Json } from '../../machines/object.ts';
import { plainName, stateName } from '../model/names.ts';
import type { Slot } from '../model/world.ts';
import type { Program } from '../tables/program.ts';

/** One thing that is compared. */
export interface Place {
  /** As reports and expectations name it: `device.refcount`, `user.open()`. */
  readonly name: string;
  readonly of: 'object' | 'call';
  /** Where it lies in the state: a slot, or a thread and which of its calls. */
  readonly slot: number | null;
  readonly call: { readonly thread: string; readonly index: number } | null;
}

/** A text for each place, in their order, that differs where the places differ; null for what cannot be looked at. */
export type Outcome = readonly (string | null)[];

const NOT_CALLED = 'not called';
const NOTHING = 'null';

/** What is said of a place that comes out with this value. */
export function clauseOf(of: Place['of'], value: string): string {
  if (of === 'object') return `is ${value}`;
  if (value === NOT_CALLED) return 'is not called';
  return value === NOTHING ? 'is called' : `returns ${value}`;
}

export class Outcomes {
  readonly places: readonly Place[];
  private readonly program: Program;
  private readonly readers: readonly ((state: Int32Array) => string | null)[];
  private readonly tasks: readonly number[];

  constructor(program: Program, compared: readonly string[]) {
    this.program = program;
    const { slots, threads } = program.world;
    this.tasks = threads.flatMap(({ kind }, thread) => (kind === 'task' ? [thread] : []));
    const counted = slots.filter((slot) => isCompared(slot, compared));
    const objects = counted.map((slot) => ({
      place: { name: plainName(program.world.nameOf(slot.index)), of: 'object', slot: slot.index, call: null } as const,
      read: this.ofSlot(slot, counted),
    }));
    const calls = this.tasks.flatMap((thread) => this.callsOf(thread));
    this.places = [...objects, ...calls].map(({ place }) => place);
    this.readers = [...objects, ...calls].map(({ read }) => read);
  }

  /** No thread can move, and every task has ended: this is an end, and no deadlock. */
  isComplete(state: Int32Array): boolean {
    return (
      this.tasks.every((thread) => this.program.position(state, thread).status === 'ended') && this.program.isTerminal(state)
    );
  }

  /** Some task has not ended, and nothing has stopped it. */
  someWait(state: Int32Array): boolean {
    return this.tasks.some((thread) => this.program.position(state, thread).status === 'running');
  }

  of(state: Int32Array): Outcome {
    return this.readers.map((read) => read(state));
  }

  private ofSlot(slot: Slot, counted: readonly Slot[]): (state: Int32Array) => string | null {
    const { index, path, allocation } = slot;
    if (path.endsWith('.allocation')) return (state) => stateName(this.program.snapshot(state, index).value);
    const value = (state: Int32Array) => spellSnapshot(this.program.snapshot(state, index));
    if (allocation === null) return value;
    // That the memory is gone counts once.
    const isCounted = counted.some((other) => other.index === allocation);
    return (state) => {
      const memory = stateName(this.program.snapshot(state, allocation).value);
      return memory === 'live' ? value(state) : isCounted ? null : memory;
    };
  }

  private callsOf(thread: number) {
    const named = this.program.world.threads[thread];
    const calls = named?.calls ?? [];
    return calls.map(({ operation }, index) => {
      const times = calls.slice(0, index).filter((other) => other.operation.name === operation.name).length;
      const name = `${named?.name ?? ''}.${operation.name}()${times === 0 ? '' : ` #${times + 1}`}`;
      return {
        place: { name, of: 'call', slot: null, call: { thread: named?.name ?? '', index } } as const,
        read: (state: Int32Array) => {
          const result = this.program.position(state, thread).root.results[index];
          return result === undefined ? NOT_CALLED : spellValue(result);
        },
      };
    });
  }
}

/** Objects that the checker put there itself have no end to be compared. */
function isCompared({ path, allocation }: Slot, compared: readonly string[]): boolean {
  const name = plainName(path);
  const isBuiltIn = allocation === null && (name === 'NULL' || name === 'environment');
  return !isBuiltIn && compared.some((wanted) => name === wanted || name.startsWith(`${wanted}.`));
}

/** The places that differ: what cannot be looked at in one of the two is no difference. */
export const differing = (a: Outcome, b: Outcome): readonly number[] =>
  a.flatMap((value, place) => (value === null || b[place] === null || value === b[place] ? [] : [place]));

/** The state of a machine that has several, then what it holds. */
function spellSnapshot({ value, context }: { readonly value: unknown; readonly context: unknown }): string {
  const fields = Object.entries(context as { readonly [field: string]: Json });
  const [only] = fields;
  const state = stateName(value);
  const holds =
    fields.length === 1 && only !== undefined
      ? spellValue(only[1])
      : fields.map(([field, held]) => `${field} ${spellValue(held)}`).join(', ');
  // A machine without states has no name for the one that it is in.
  return [...(state === '{}' ? [] : [state]), ...(holds === '' ? [] : [holds])].join(', ');
}

function spellValue(value: Json): string {
  const at = typeof value === 'object' && value !== null && 'at' in value ? (value as { readonly at: Json }).at : null;
  return typeof at === 'string' ? at : JSON.stringify(value);
}
