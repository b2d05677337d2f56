/**
 * The step contract: what kernel code is to the checker.
 *
 * A kernel function is a generator function that calls with `yield*`; the only bare `yield` stands in this file. A step
 * is a fixed list of messages that are applied at once, or several such alternatives of which one is taken.
 */
import { type Handle, handleAt, type Json, type Name, NULL, type Protocol, type ReplyOf } from '../machines/object.ts';

/**
 * What a step means to a detector, which never has to learn the name of a lock. What is acquired is released by the thread
 * that acquired it: where others may do so, as with a semaphore, it is a `wait` and a `signal`.
 */
export interface Meaning {
  readonly kind:
    | 'acquire'
    | 'release'
    | 'read'
    | 'write'
    | 'update'
    | 'wait'
    | 'signal'
    | 'get'
    | 'put'
    | 'alloc'
    | 'free'
    | 'choose';
  readonly mode?: 'exclusive' | 'shared';
  /** It never blocks, and the reply tells whether it was granted. */
  readonly try?: boolean;
  /** With `try`: who is refused has queued, and blocks in its next step. For lock order it is an acquire that blocks. */
  readonly queues?: boolean;
  /** Until its release the thread must not sleep. */
  readonly atomic?: boolean;
  /** The lockdep subclass of a nested acquire. */
  readonly subclass?: number;
  /** For lock order: the lock, by its path, that is held around all acquires of this class, in whatever order they come. */
  readonly nest?: string;
  /** For lock order: readers of it may nest even where a writer waits between them. */
  readonly recursive?: boolean;
  /** Whether the thread may sleep in it. By default it may in a wait and in an acquire, unless they try or are atomic. */
  readonly sleeps?: boolean;
  /** Until its release the thread is an interrupt handler. */
  readonly interrupt?: boolean;
  /** What it does to interrupts on the thread's CPU; to restore them is to turn them on where its `flags` say so. */
  readonly irqs?: 'off' | 'on' | 'restore';
  /** An access that the compiler may tear or repeat: neither marked nor atomic. */
  /** `beside writers`: other readers find it marked, but of two such writers each sees the other tear what both change. */
  readonly plain?: boolean | 'beside writers';
  /** The checker puts the thread's name into the event. Acquire and release have it in any case. */
  readonly stamped?: boolean;
  /**
   * What it orders beside other accesses, perhaps by its reply as JSON: one that is not named orders nothing. Left out, it is
   * what the kind says: a release or a signal releases; an acquire or a wait acquires, unless it was refused; a put
   * releases, and the last one acquires; anything else orders nothing.
   */
  readonly orders?: Orders | { readonly [reply: string]: Orders };
  /** It acquires only from these events of the object. */
  readonly after?: readonly string[];
}

/**
 * `release`: what the thread did before comes before whatever a thread does that acquires from it. `pointer`: only what
 * goes through the pointer that was read comes after the releases, by the address dependency.
 */
export type Orders = 'nothing' | 'acquire' | 'release' | 'both' | 'pointer';

export type Event = { readonly type: string } & { readonly [key: string]: Json };

export interface Message {
  readonly object: string;
  readonly event: Event;
  readonly means: Meaning;
  /** How C code spells it; `$` stands for the object, `&$` for its address. Default: `type(&$, …)`. */
  readonly c?: string;
}

/** The first message is what the step is; its reply is what the C code sees. The others move in the same step. */
export interface Alternative {
  readonly name: string;
  readonly messages: readonly [Message, ...Message[]];
}

export interface Step {
  readonly step: readonly [Alternative, ...Alternative[]];
  /** The chain of delegating generators with file and line, taken once for each position. */
  readonly stack: string;
}

/** Said to the thread's runner, which answers at once: no step, and no other thread can come between. */
export type Mark =
  | { readonly mark: 'loop'; readonly state: Json }
  | { readonly mark: 'again'; readonly state: Json }
  | { readonly mark: 'leave' }
  | { readonly mark: 'task-work'; readonly work: () => Operation };

export type Operation<R = void> = Generator<Step | Mark, R, Json>;

type With<P extends Protocol, K extends keyof P> = P[K] extends { readonly with: infer W } ? [ask: W] : [];

const isHandle = (value: unknown): value is { path: string } =>
  typeof value === 'object' && value !== null && typeof (value as { path?: unknown }).path === 'string';

/** Objects travel by name, wherever they stand in what is said. */
export const encode = (value: unknown): Json => {
  if (isHandle(value)) return { at: value.path };
  if (Array.isArray(value)) return value.map(encode);
  return isPlain(value) ? encodeAll(value) : (value as Json);
};

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isName = (value: unknown): value is Name =>
  typeof value === 'object' && value !== null && typeof (value as { at?: unknown }).at === 'string';

export const decode = (value: Json): unknown => {
  if (isName(value)) return handleAt(value.at);
  if (Array.isArray(value)) return value.map(decode);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, decode(part)]));
};

const encodeAll = (ask: object | undefined): { [key: string]: Json } =>
  Object.fromEntries(Object.entries(ask ?? {}).map(([key, value]) => [key, encode(value)]));

/** The only bare `yield` of kernel code, and the only cast: the reply is what the object's protocol promises. */
function* take(step: readonly [Alternative, ...Alternative[]]): Operation<Json> {
  const here = new Error('step');
  return yield stepAt(step, () => here.stack ?? '');
}

/** To write a stack out costs more than to take the step, and few are ever read. */
const stepAt = (step: readonly [Alternative, ...Alternative[]], stack: () => string): Step => ({
  step,
  get stack() {
    return stack();
  },
});

export interface Spelling {
  readonly c?: string;
}

/** A message that is not yet sent: for steps of several messages and for alternatives. */
export const message = <P extends Protocol, K extends keyof P & string>(
  means: Meaning | Meaning['kind'],
  object: Handle<P>,
  type: K,
  ask?: With<P, K>[0],
  spelling: Spelling = {},
): Message => ({
  object: object.path,
  event: { type, ...encodeAll(ask as object | undefined) },
  means: typeof means === 'string' ? { kind: means } : means,
  ...spelling,
});

/** One step of one or more messages, whose reply is that of the first. */
export function* send<R>(first: Message, ...others: readonly Message[]): Operation<R> {
  return decode(yield* take([{ name: first.event.type, messages: [first, ...others] }])) as R;
}

/** A primitive: one access to one object, which means the same wherever it is used. */
export function access<P extends Protocol, K extends keyof P & string>(
  means: Meaning | Meaning['kind'],
  type: K,
  spelling: Spelling = {},
): (object: Handle<P>, ...ask: With<P, K>) => Operation<ReplyOf<P, K>> {
  const primitive = (object: Handle<P>, ...ask: With<P, K>): Operation<ReplyOf<P, K>> =>
    send<ReplyOf<P, K>>(message<P, K>(means, object, type, ask[0], spelling));
  // A thread may call it as it is, and reports then name it.
  return Object.defineProperty(primitive, 'name', { value: type });
}

/**
 * A wait and its ways out, or another step that offers several alternatives, each enabled by itself.
 * @returns the name of the alternative that was taken, with its reply
 */
export function* oneOf<N extends string>(
  ways: Readonly<Record<N, Message | readonly [Message, ...Message[]]>>,
): Operation<{ readonly way: N; readonly reply: unknown }> {
  const alternatives = Object.entries<Message | readonly [Message, ...Message[]]>(ways).map(([name, way]) => ({
    name,
    messages: 'event' in way ? ([way] as const) : way,
  }));
  const [first, ...rest] = alternatives;
  if (first === undefined) throw new TypeError('oneOf() needs at least one way');
  if (rest.length === 0) return { way: first.name as N, reply: decode(yield* take([first])) };
  const taken = (yield* take([first, ...rest])) as { way: N; reply: Json };
  return { way: taken.way, reply: decode(taken.reply) };
}

/**
 * What the environment decides: an allocation that fails, a signal that comes.
 * For what waits for nothing; a wait and its timeout are `oneOf`.
 */
export function* choose<N extends string>(what: string, ...ways: readonly N[]): Operation<N> {
  const asked = ways.map((way) => [
    way,
    { object: 'environment', event: { type: 'choose', what, way }, means: { kind: 'choose' }, c: `${what}: ${way}` },
  ]);
  return (yield* oneOf(Object.fromEntries(asked) as Record<N, Message>)).way;
}

/** The same operation, whose one step also moves what the messages name: a chart that follows a field, most often. */
export function* along<R>(operation: Operation<R>, ...messages: readonly Message[]): Operation<R> {
  const first = operation.next();
  if (first.done || !('step' in first.value)) throw new TypeError('along() needs an operation of exactly one step');
  const { value } = first;
  const [only, ...more] = value.step.map((way) => ({ ...way, messages: [...way.messages, ...messages] as const }));
  const last = operation.next(yield stepAt([only as Alternative, ...(more as Alternative[])], () => value.stack));
  if (!last.done) throw new TypeError('along() needs an operation of exactly one step');
  return last.value;
}

/** A chart follows in the same step. It takes every event in every state, so it neither blocks nor adds a step. */
export const moves = <P extends Protocol>(chart: Handle<P>, type: keyof P & string): Message => ({
  object: chart.path,
  event: { type },
  means: { kind: 'update' },
});

const LOOP = Symbol('again');
export interface Again<S> {
  readonly [LOOP]: true;
  readonly state: S;
}

/** What the body of a loop returns to go round once more, with what it carries over. */
export const again = <S extends Json>(state: S): Again<S> => ({ [LOOP]: true, state });

export const isAgain = (value: unknown): value is Again<Json> =>
  typeof value === 'object' && value !== null && (value as { [LOOP]?: unknown })[LOOP] === true;

/**
 * A loop whose length is not known beforehand. What a turn carries over to the next goes through `state`, never through
 * a variable outside the body: the replies of a turn are forgotten when the next begins, so that they stay finite.
 */
export function* loop<S extends Json, R>(initial: S, body: (state: S) => Operation<R | Again<S>>): Operation<R> {
  let state = (yield { mark: 'loop', state: initial }) as S;
  for (;;) {
    const result = yield* body(state);
    if (!isAgain(result)) {
      yield { mark: 'leave' };
      return result;
    }
    state = (yield { mark: 'again', state: result.state }) as S;
  }
}

/** Work deferred to the return to user space: it runs at the end of the call, after the caller's locks are gone. */
export function* task_work_add(work: () => Operation): Operation {
  yield { mark: 'task-work', work };
}

const kernel = (type: 'WARN' | 'BUG', text: string, c: string): Operation =>
  send({ object: 'environment', event: { type, text }, means: { kind: 'update' }, c });

/** `WARN_ON(condition)`: no step while the condition is false, as the condition is local by then. */
export function* WARN_ON(condition: boolean, text: string): Operation<boolean> {
  if (condition) yield* kernel('WARN', text, `WARN_ON(${text})`);
  return condition;
}

export function* WARN(condition: boolean, text: string): Operation<boolean> {
  if (condition) yield* kernel('WARN', text, `WARN("${text}")`);
  return condition;
}

export function* BUG_ON(condition: boolean, text: string): Operation {
  if (condition) yield* kernel('BUG', text, `BUG_ON(${text})`);
}

/** `might_sleep()`: where C may sleep and the model has no wait of its own, as in an allocation with GFP_KERNEL. */
export const might_sleep = (): Operation =>
  send({ object: 'environment', event: { type: 'might_sleep' }, means: { kind: 'update', sleeps: true }, c: 'might_sleep()' });

/** One step that ends the object's life. What reaches it afterwards is a use after free. To free NULL does nothing. */
export function* kfree(object: { readonly path: string }): Operation {
  if (object.path === NULL.path) return;
  yield* send({ object: object.path, event: { type: 'kfree' }, means: { kind: 'free' }, c: 'kfree($)' });
}

/** Memory from the thread's own share of a pool. Allocations that fail are `choose`n by the caller. */
export const kzalloc = <H extends { readonly path: string }>(from: H): Operation<H> =>
  send<H>({ object: from.path, event: { type: 'kzalloc' }, means: { kind: 'alloc' }, c: 'kzalloc($)' });
