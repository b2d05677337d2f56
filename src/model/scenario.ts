/** What a scenario file says: who races with whom, what is assumed of callers, what must hold, what is expected. */
import type { Operation } from '../../actors/step.ts';
import {
  type HandleOf,
  handleAt,
  type Json,
  type Kind,
  NULL,
  type Pool,
  type Struct,
  type ViewOf,
} from '../../machines/object.ts';
import type { Edit } from './edit.ts';
import { ModelError } from './errors.ts';

/** Where the result of a call goes on by name to later calls, to `atEnd` and to the other oracles. */
export interface Local<R = unknown> {
  readonly local: string;
  readonly holds?: R;
}

export const local = <R extends Json | { readonly path: string } | undefined>(name: string): Local<R> => ({ local: name });

/** A result that may be an errno goes to a call that is made `ifOk`. */
type Argument<A> = A | Local<A | number>;
type Arguments<A extends readonly unknown[]> = { readonly [I in keyof A]: Argument<A[I]> };

/** One entry into the kernel. */
export class Call {
  readonly operation: (...args: never[]) => Operation<unknown>;
  readonly args: readonly unknown[];
  readonly result: string | null;
  readonly condition: string | null;
  /** It keeps its place among the calls of its thread, and is not made. */
  readonly isLeftOut: boolean;
  /** Its code is run as if it had been edited like this. */
  readonly edits: readonly Edit[];

  constructor(
    operation: Call['operation'],
    args: readonly unknown[],
    result: string | null = null,
    condition: string | null = null,
    isLeftOut = false,
    edits: readonly Edit[] = [],
  ) {
    this.operation = operation;
    this.args = args;
    this.result = result;
    this.condition = condition;
    this.isLeftOut = isLeftOut;
    this.edits = edits;
  }

  /** The result is kept, to the end, under this name. */
  into(result: Local): Call {
    return new Call(this.operation, this.args, result.local, this.condition);
  }

  /** The call is made only if that result was a success: neither a negative errno nor false nor NULL. */
  ifOk(result: Local): Call {
    return new Call(this.operation, this.args, this.result, result.local);
  }

  leftOut(): Call {
    return new Call(this.operation, this.args, this.result, this.condition, true, this.edits);
  }

  edited(edits: readonly Edit[]): Call {
    return new Call(this.operation, this.args, this.result, this.condition, this.isLeftOut, [...this.edits, ...edits]);
  }
}

/** What a caller takes for success of the call before. */
export const isOk = (result: unknown): boolean =>
  result !== false && result !== NULL && !(typeof result === 'number' && result < 0);

export const call = <A extends readonly unknown[]>(operation: (...args: A) => Operation<unknown>, ...args: Arguments<A>): Call =>
  new Call(operation as unknown as Call['operation'], args);

export interface Thread {
  readonly calls: readonly Call[];
  /** A daemon (worker, kthread, RCU callback) may be left waiting at the end; a task may not. */
  readonly kind: 'task' | 'daemon';
  /** After the last call it begins again with the first. */
  readonly forever: boolean;
  /** The CPU part that each of its steps needs, for threads that an interrupt handler excludes. */
  readonly cpu: { readonly path: string } | null;
}

type ThreadOptions = { readonly cpu?: { readonly path: string }; readonly forever?: boolean };
const thread =
  (kind: Thread['kind']) =>
  (calls: readonly Call[], { cpu, forever }: ThreadOptions = {}): Thread => ({
    calls,
    kind,
    forever: forever ?? false,
    cpu: cpu ?? null,
  });

export const task = thread('task');
export const daemon = thread('daemon');

export type Objects = { readonly [name: string]: Struct | Pool };
// The parts are open here, and inferred by `variant`.
// oxlint-disable-next-line typescript/no-explicit-any
type OpenObjects = { readonly [name: string]: Struct<any> | Pool<any> };
export type HandlesOf<O> = {
  readonly [K in keyof O]: O[K] extends Struct<infer T> ? HandleOf<T> : O[K] extends Pool<infer T> ? HandleOf<T> : never;
};

/** What a predicate sees: the objects, where the threads stand, what calls returned. */
export type View<O> = { readonly [K in keyof O as O[K] extends Struct ? K : never]: ViewOf<O[K]> } & {
  /** The event of the step before which the thread stands; null once it has ended or stopped. */
  readonly next: (thread: string) => string | null;
  /** It stands before a step that cannot be taken now. */
  readonly blocked: (thread: string) => boolean;
  readonly ended: (thread: string) => boolean;
  /** What the call gave, if it has returned. */
  readonly result: <R>(of: Local<R>) => R | undefined;
  /** All instances of a pool that are or were allocated. */
  readonly all: <K extends keyof O>(pool: K) => O[K] extends Pool<infer T> ? readonly ViewOf<Struct<T>>[] : never;
};

export type Predicate<O> = (view: View<O>) => boolean;

export interface Expectation {
  readonly kind: Kind;
  /** The object at which it is raised. */
  readonly object: string;
  /** The racing pair of steps, by their kernel names. */
  readonly between?: readonly [string, string];
}

export interface VariantSpec<O extends OpenObjects> {
  readonly objects: O;
  readonly threads: (objects: HandlesOf<O>) => { readonly [name: string]: readonly Call[] | Thread };
  /** Overrides of the context in which a part starts, by path: `{ 'device.minor': { value: 5 } }`. */
  readonly start?: { readonly [path: string]: { readonly [field: string]: Json } };
  /** What this design is, in a sentence, where the scenario's summary does not say it. */
  readonly summary?: string;
  readonly assumes?: string;
  /** Holds in every state. */
  readonly always?: { readonly [name: string]: Predicate<O> };
  /** Is reached in some state, or the scenario does not show what it says. */
  readonly sometimes?: { readonly [name: string]: Predicate<O> };
  /** Holds in every state in which all tasks have ended. */
  readonly atEnd?: { readonly [name: string]: Predicate<O> };
  /** By object: how many references, entries or ids are left over in such a state; below 0, how many too many were given back. */
  readonly leaks?: { readonly [object: string]: (view: View<O>) => number };
  readonly expect: readonly Expectation[];
  /** Findings that must come after an expected one: the symptoms by which it would be noticed. */
  readonly leadsTo?: readonly Expectation[];
  /** Nothing may come after an expected finding: what does is no consequence, but a finding as well. */
  readonly leadsToNothing?: true;
  /**
   * Data races are looked for. They are anyway where one is expected. It is for the scenario to ask: much kernel code reads
   * a field plainly beside its writer, and means to.
   */
  readonly races?: true;
  /**
   * However the calls of the tasks interleave, all must come out as if each call had run by itself, in some order: what
   * the calls return, and what the objects hold when all tasks have ended. `true`: all objects. A list: only these objects
   * or parts by path, and what the calls return; an empty one: nothing but what they return.
   *
   * It is for the scenario to ask. Correct code with a trylock comes out otherwise, and operations that wait for each
   * other have no such order at all. What a worker or another daemon does belongs to no call.
   */
  readonly serialisable?: true | readonly string[];
}

/** A variant is a whole design: the patch, the fix, the kernel before. */
export interface Variant {
  readonly objects: Objects;
  readonly threads: { readonly [name: string]: Thread };
  readonly start: { readonly [path: string]: { readonly [field: string]: Json } };
  readonly summary: string | null;
  readonly assumes: string | null;
  readonly always: { readonly [name: string]: (view: never) => boolean };
  readonly sometimes: { readonly [name: string]: (view: never) => boolean };
  readonly atEnd: { readonly [name: string]: (view: never) => boolean };
  readonly leaks: { readonly [object: string]: (view: never) => number };
  readonly expect: readonly Expectation[];
  readonly leadsTo: readonly Expectation[];
  readonly leadsToNothing: boolean;
  readonly races: boolean;
  /** The objects and parts whose end is compared with that of the serial orders; null where it was not asked for. */
  readonly serialisable: readonly string[] | null;
}

/** A variant in whose verdict a part of the answer lies. */
export interface Ask {
  readonly variant: string;
  /** What goes on after "not" or "yes": `as one caller uses it`, `if two tasks expose one device`. */
  readonly said: string;
  /** The finding that means yes; where it is left out, any does. */
  readonly shownBy?: Pick<Expectation, 'kind' | 'object'>;
  /** What its threads are, to be counted: `{ opener: ['group_user', 'node_user'] }`. */
  readonly roles?: { readonly [role: string]: readonly string[] };
}

/** What kind of change a fix is. */
export type FixKind =
  /** A lock is held where it was not. */
  | 'take a lock'
  /** A critical section begins earlier or ends later. */
  | 'widen a section'
  /** The locks of a deadlock in one order. */
  | 'one lock order'
  /** What several places do is left to one of them, or to the function that calls them. */
  | 'one place'
  | 'once in the caller'
  /** A step is not made at all. */
  | 'leave it out'
  /** Publish last, unpublish first. */
  | 'another order of steps'
  /** For what another thread says when it has done. */
  | 'wait';

/** What a reviewer has asked, as a question whose answer begins with yes or not. */
export interface Question {
  readonly asks: string;
  readonly answeredBy: readonly Ask[];
  /** The variant that shows what was done in the end. */
  readonly merged?: string;
  /** Of which kind that was, in the words of suggested fixes. */
  readonly mergedKind?: FixKind;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly assumes?: string;
  /** The mail, patch or commit that it is about. */
  readonly source: string;
  readonly covers: readonly string[];
  readonly tags: readonly string[];
  readonly question?: Question;
  readonly variants: { readonly [name: string]: Variant };
}

const marker = Symbol.for('interlock.scenario');

/** Built when it is first asked for, so that a fault in one variant does not hide the scenario. */
export function variant<const O extends OpenObjects>(spec: VariantSpec<O>): Variant {
  const handles = Object.fromEntries(Object.keys(spec.objects).map((name) => [name, handleAt(name)])) as HandlesOf<O>;
  const threads = Object.entries(spec.threads(handles)).map(([name, thread]): [string, Thread] => [
    name,
    'kind' in thread ? thread : task(thread),
  ]);
  return {
    objects: spec.objects,
    threads: Object.fromEntries(threads),
    start: spec.start ?? {},
    summary: spec.summary ?? null,
    assumes: spec.assumes ?? null,
    always: spec.always ?? {},
    sometimes: spec.sometimes ?? {},
    atEnd: spec.atEnd ?? {},
    leaks: spec.leaks ?? {},
    expect: spec.expect,
    leadsTo: spec.leadsTo ?? [],
    leadsToNothing: spec.leadsToNothing ?? false,
    races: spec.races ?? [...spec.expect, ...(spec.leadsTo ?? [])].some(({ kind }) => kind === 'data-race'),
    serialisable: spec.serialisable === true ? Object.keys(spec.objects) : (spec.serialisable ?? null),
  };
}

/** Both names go into the text of a schedule. */
export function defineScenario(scenario: Scenario): Scenario {
  const wrong = /^\S+$/.test(scenario.name)
    ? Object.keys(scenario.variants).find((name) => !/^[^\s/]+$/.test(name))
    : scenario.name;
  if (wrong !== undefined)
    throw new ModelError(`"${wrong}" cannot be the name of a scenario or a variant`, 'one word, and no "/" in that of a variant');
  // Files are not type-checked when they are loaded.
  const silent = Object.entries<Partial<Variant>>(scenario.variants).find(([, { expect }]) => !Array.isArray(expect));
  if (silent !== undefined)
    throw new ModelError(`"${scenario.name}/${silent[0]}" does not say what it expects`, 'expect: [] says that it is clean');
  if (scenario.question !== undefined) refuseUnanswerable(scenario, scenario.question);
  return Object.assign(scenario, { [marker]: true });
}

/** An answer that names a finding wrongly would be no for ever. */
function refuseUnanswerable({ name, variants }: Scenario, { answeredBy, merged }: Question): void {
  const named = [...answeredBy.map(({ variant }) => variant), ...(merged === undefined ? [] : [merged])];
  const unknown = named.find((variant) => !(variant in variants));
  if (unknown !== undefined)
    throw new ModelError(
      `The question of "${name}" is to be answered by "${unknown}"`,
      `variants: ${Object.keys(variants).join(', ')}`,
    );
  const expected = Object.values(variants).flatMap(({ expect }) => expect);
  const unexpected = answeredBy
    .flatMap(({ shownBy }) => shownBy ?? [])
    .find(({ kind, object }) => !expected.some((other) => other.kind === kind && other.object === object));
  if (unexpected !== undefined)
    throw new ModelError(
      `The question of "${name}" is to be answered by ${unexpected.kind} at "${unexpected.object}", which no variant expects`,
      'shownBy: one of those in expect',
    );
}

export const isScenario = (value: unknown): value is Scenario => typeof value === 'object' && value !== null && marker in value;
