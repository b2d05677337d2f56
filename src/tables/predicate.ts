/** What a scenario's predicates see of a state, and what they said of states that look the same to them. */
import { decode } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import type { Local } from '../model/scenario.ts';
import type { Program } from './program.ts';
import { stateName } from '../model/names.ts';

/** What was read of the state, in order, as a tree: a state that answers the same reads alike gets the same result. */
type Memo<R> = { readonly reads: number; readonly next: Map<number, Memo<R>> } | { readonly result: R };

export class StatePredicate<R> {
  readonly name: string;
  private readonly program: Program;
  private readonly view: object;
  private readonly test: (view: never) => R;
  private memo: Memo<R> | null = null;
  private memorable = true;
  private state: Int32Array = new Int32Array(0);
  private reads: number[] = [];
  /** All places on which some result has depended. */
  readonly everRead = new Set<number>();

  constructor(program: Program, name: string, test: (view: never) => R) {
    this.program = program;
    this.name = name;
    this.test = test;
    this.view = this.makeView();
  }

  /** The places of the state that it read last time it was not remembered. */
  get lastReads(): readonly number[] {
    return this.reads;
  }

  /** A state that answers the same reads alike gets the same result. */
  get isMemorable(): boolean {
    return this.memorable;
  }

  of(state: Int32Array): R {
    let memo = this.memo;
    while (memo !== null && 'reads' in memo) memo = memo.next.get(state[memo.reads] as number) ?? null;
    if (memo !== null) return memo.result;
    return this.evaluate(state);
  }

  evaluate(state: Int32Array): R {
    this.state = state;
    this.reads = [];
    let result: R;
    try {
      result = this.test(this.view as never);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError(`The predicate "${this.name}" throws: ${messageOf(error)}`, 'a predicate reads the state and answers');
    }
    if (this.memorable) this.remember(result);
    return result;
  }

  private remember(result: R): void {
    const path = [...new Set(this.reads)];
    const leaf: Memo<R> = { result };
    const [first] = path;
    if (first === undefined) {
      this.memo = leaf;
      return;
    }
    this.memo ??= { reads: first, next: new Map() };
    let at = this.memo;
    for (const [i, place] of path.entries()) {
      if (!('reads' in at) || at.reads !== place)
        throw new ModelError(`The predicate "${this.name}" reads differently when asked twice`);
      const value = this.state[place] as number;
      const below = path[i + 1];
      let next = at.next.get(value);
      if (next === undefined) at.next.set(value, (next = below === undefined ? leaf : { reads: below, next: new Map() }));
      at = next;
    }
  }

  private read(place: number): number {
    this.reads.push(place);
    this.everRead.add(place);
    return this.state[place] as number;
  }

  private makeView(): object {
    const { world } = this.program;
    const view: { [name: string]: unknown } = {
      next: (thread: string) => this.positionOf(thread).step?.event.type ?? null,
      blocked: (thread: string) => this.isBlocked(thread),
      ended: (thread: string) => this.positionOf(thread).status === 'ended',
      result: (of: Local) => this.resultOf(of.local),
      all: (pool: string) =>
        world.instances
          .filter(
            ({ name, pooled }) => pooled && name.startsWith(`${pool}@`) && this.valueOf(`${name}.allocation`).state !== 'unused',
          )
          .map(({ name }) => this.objectView(name)),
    };
    for (const { name, pooled } of world.instances) if (!pooled) view[name] = this.objectView(name);
    return this.strict(view, 'The view');
  }

  private objectView(name: string): object {
    const view = {};
    for (const { path } of this.program.world.slots) {
      if (!path.startsWith(`${name}.`)) continue;
      const field = path.slice(name.length + 1);
      if (field === 'allocation') Object.defineProperty(view, 'freed', { get: () => this.valueOf(path).state === 'freed' });
      else Object.defineProperty(view, field, { get: () => this.valueOf(path), enumerable: true });
    }
    return this.strict(view, `"${name}"`);
  }

  private valueOf(path: string): { readonly state: string; readonly [field: string]: unknown } {
    const { index } = this.program.world.slot(path, `The predicate "${this.name}"`);
    this.read(index);
    const { value, context } = this.program.snapshot(this.state, index);
    return { ...(context as object), state: stateName(value) };
  }

  private threadIndex(thread: string): number {
    const names = this.program.world.threads.map(({ name }) => name);
    const index = names.indexOf(thread);
    if (index >= 0) return index;
    throw new ModelError(`The predicate "${this.name}" asks for the thread "${thread}"`, `threads: ${names.join(', ')}`);
  }

  private positionOf(thread: string) {
    const index = this.threadIndex(thread);
    this.read(this.program.slots + index);
    return this.program.position(this.state, index);
  }

  private isBlocked(thread: string): boolean {
    this.memorable = false;
    this.memo = null;
    const index = this.threadIndex(thread);
    const { step, firstWay, ways } = this.positionOf(thread);
    // Whether a step can be taken depends on all to which it speaks.
    for (const { slots } of this.program.ways.slice(firstWay, firstWay + ways)) for (const slot of slots) this.everRead.add(slot);
    return step !== null && !this.program.anyEnabled(this.state, index);
  }

  private resultOf(name: string): unknown {
    const { threads } = this.program.world;
    const owners = threads.filter(({ calls }) => calls.some((call) => call.result === name));
    const [owner] = owners;
    if (owner === undefined)
      throw new ModelError(`The predicate "${this.name}" asks for "${name}", into which no call puts its result`);
    if (owners.length > 1)
      throw new ModelError(
        `The predicate "${this.name}" asks for "${name}", into which ${owners.map((thread) => thread.name).join(' and ')} put a result`,
        'give each thread a local() of its own',
      );
    const index = threads.indexOf(owner);
    this.read(this.program.slots + index);
    const value: Json | undefined = this.program.position(this.state, index).root.locals[name];
    return value === undefined ? undefined : decode(value);
  }

  /** A name that is not there is a mistake of the scenario, not `undefined`. */
  private strict(view: object, what: string): object {
    return new Proxy(view, {
      get: (target, key, receiver) => {
        if (typeof key === 'symbol' || key in target) return Reflect.get(target, key, receiver) as unknown;
        const near = nearest(key, Object.getOwnPropertyNames(target));
        throw new ModelError(
          `The predicate "${this.name}" reads "${key}": ${what} has no such part`,
          near && `did you mean "${near}"?`,
        );
      },
    });
  }

  /** All that it has said and still remembers, with the places that it read and what stood there, in turn. */
  *said(memo = this.memo, reads: readonly number[] = []): Generator<{ readonly reads: readonly number[]; readonly result: R }> {
    if (memo === null) return;
    if ('result' in memo) yield { reads, result: memo.result };
    else for (const [value, next] of memo.next) yield* this.said(next, [...reads, memo.reads, value]);
  }
}
