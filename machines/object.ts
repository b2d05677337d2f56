/**
 * The object contract: what every kernel object is to the checker.
 *
 * A C struct is a `struct` of parts (its locks, counters, fields, list heads); each part is an XState machine with a
 * state of its own. Kernel code holds names of objects (`Handle`), never the objects. An event is one atomic access
 * under its kernel name; the answer to it is a reply and, where the use was wrong, splats.
 */
import { type AnyStateMachine, emit, setup } from 'xstate';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How a machine names an object in its context, its events and its replies. */
export interface Name {
  readonly at: string;
}

/** The name that a pointer holds while it points nowhere. */
export const NULL_NAME: Name = { at: 'NULL' };

/** What an object understands: event, what comes with it, what it replies. Without `reply` it is a void call. */
export type Protocol = { readonly [type: string]: { readonly with?: object; readonly reply?: unknown } };

/** The kinds of finding, spelled as in the JSON output. */
export type Kind =
  | 'use-after-free'
  | 'double-free'
  | 'null-deref'
  | 'data-race'
  | 'refcount'
  | 'deadlock'
  | 'self-deadlock'
  | 'hung-task'
  | 'starvation'
  | 'lock-order'
  | 'sleep-in-atomic'
  | 'lock-held-at-exit'
  | 'unlock-imbalance'
  | 'leak'
  | 'warn'
  | 'bug'
  | 'list-corruption'
  | 'invariant'
  | 'end-state'
  | 'never-reached'
  | 'non-serialisable';

/** A complaint of an object about the access that it has just had. */
export interface Splat {
  readonly kind: Kind;
  /** What went wrong, for the sentence of the report. */
  readonly text: string;
  /** The first line that a kernel would print; null where the kernel says nothing. */
  readonly prints: string | null;
  /** An oops or a BUG: the thread that did it runs no further. */
  readonly stops?: boolean;
}

export type Emitted = { readonly type: 'reply'; readonly value: Json } | ({ readonly type: 'splat' } & Splat);

type Encoded<W> = { readonly [F in keyof W]: W[F] extends { readonly path: string } ? Name : W[F] };

/** The events of a protocol as its machine sees them: objects come as names, and `by` is stamped by the checker. */
export type EventOf<P extends Protocol> =
  | {
      [K in keyof P & string]: { readonly type: K; readonly by?: string } & (P[K] extends { readonly with: infer W }
        ? Encoded<W>
        : object);
    }[keyof P & string]
  | { readonly type: 'kfree'; readonly by?: string }
  | { readonly type: 'freed'; readonly entry: Name };

export type ReplyOf<P extends Protocol, K extends keyof P> = P[K] extends { readonly reply: infer R } ? R : void;

declare const protocol: unique symbol;
declare const fields: unique symbol;

/** The name of one part, as kernel code holds it. */
export interface Handle<P extends Protocol> {
  readonly path: string;
  readonly [protocol]?: P;
}

/** One part of a struct: its machine, and the context in which it starts. */
export interface Part<P extends Protocol = Protocol, C extends object = object> {
  readonly machine: AnyStateMachine;
  readonly input: C;
  /** It is told, in the same step, of every allocation that is freed: lists, for what their entries may become. */
  readonly hearsFrees: boolean;
  /** A lock of which the lock validator of the kernel keeps no order: `lockdep_set_novalidate_class()`. */
  readonly novalidate: boolean;
  /** The contexts that it may come to have: beyond them the model is not meant, and the checker says so. */
  readonly range: (context: C) => boolean;
  readonly [protocol]?: P;
  readonly [fields]?: C;
}

// The two parameters of a part are open here, and nothing is read through them.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyPart = Part<any, any>;
export type Parts = { readonly [name: string]: AnyPart };

/** A C struct. `heap` objects can be freed, and each access to a part then touches the allocation. */
export interface Struct<T extends Parts = Parts> {
  readonly name: string;
  readonly parts: T;
  readonly lifetime: 'heap' | 'static';
}

export type HandleOf<T extends Parts> = { readonly path: string } & {
  readonly [K in keyof T]: T[K] extends Part<infer P, infer _C> ? Handle<P> : never;
};

/** The handle type of a struct, for an `interface` of the same name: `interface VfioGroup extends HandleTo<typeof vfio_group> {}`. */
export type HandleTo<S> = S extends Struct<infer T> ? HandleOf<T> : never;

/** What predicates see of an object: for each part its context and the state of its chart. */
export type ViewOf<S> =
  S extends Struct<infer T>
    ? { readonly [K in keyof T]: T[K] extends Part<infer _P, infer C> ? C & { readonly state: string } : never } & {
        readonly freed: boolean;
      }
    : never;

/** Memory that is allocated at run time. Each thread has `perThread` of them, and a freed one is not used again. */
export interface Pool<T extends Parts = Parts> {
  readonly pool: Struct<T>;
  readonly perThread: number;
}

const handles = new Map<string, object>();

/** The handle with this path. There is one for each path, so that handles compare as pointers do. */
export function handleAt<H extends { readonly path: string }>(path: string): H {
  let handle = handles.get(path);
  if (handle === undefined) {
    handle = new Proxy(Object.freeze({ path }), {
      get: (target, key) =>
        typeof key === 'symbol' || key === 'then'
          ? undefined
          : key === 'path'
            ? target.path
            : key === 'toJSON'
              ? () => ({ at: path })
              : handleAt(`${path}.${key}`),
    });
    handles.set(path, handle);
  }
  return handle as H;
}

/** A pointer that points nowhere. To go through it is a finding. */
export interface Null {
  readonly path: 'NULL';
}
export const NULL: Null = handleAt<Null>('NULL');

/** What every kernel object has: two ways to speak. */
export const setupObject = <C extends object, P extends Protocol>() =>
  setup({
    types: { context: {} as C, events: {} as EventOf<P>, emitted: {} as Emitted, input: {} as C },
    actions: {
      answer: emit((_, p: { value: Json }) => ({ type: 'reply' as const, value: p.value })),
      splat: emit((_, p: Splat) => ({ type: 'splat' as const, ...p })),
    },
  });

/** The answer of a call that returns `value`. */
export const reply = <V extends Json>(value: V) => ({ type: 'answer', params: { value } }) as const;

/** The answer of a void call. Whatever it did, it says nothing, or two increments would never commute. */
export const done = reply(null);

export const splat = (params: Splat) => ({ type: 'splat', params }) as const;

export const part = <P extends Protocol, C extends object>(
  machine: AnyStateMachine,
  input: C,
  options: { hearsFrees?: boolean; novalidate?: boolean; range?: (context: C) => boolean } = {},
): Part<P, C> => ({
  machine,
  input,
  hearsFrees: options.hearsFrees ?? false,
  novalidate: options.novalidate ?? false,
  range: options.range ?? (() => true),
});

/** A struct on the heap: allocated when the scenario begins, until somebody frees it. */
export const struct = <T extends Parts>(name: string, parts: T): Struct<T> => ({ name, parts, lifetime: 'heap' });

/** A file-scope variable: it is never freed. */
export const globals = <T extends Parts>(name: string, parts: T): Struct<T> => ({ name, parts, lifetime: 'static' });

export const pool = <T extends Parts>(of: Struct<T>, perThread = 1): Pool<T> => ({ pool: of, perThread });
