/**
 * A thread as a function of the replies it has had.
 *
 * A generator cannot be copied, so where a thread stands is said by what it takes to get there again: the call, what
 * earlier calls left behind, and the replies since that call began. The compiled run builds a cursor anew from these
 * for each position; the live run keeps one cursor and its generators, so that a variable hidden from the replies shows
 * as a difference.
 */
import { inspect } from 'node:util';
import { type Alternative, decode, encode, isAgain, type Mark, type Operation, type Step } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';
import { edited } from './editing/edited.ts';
import { ModelError, messageOf } from './errors.ts';
import { type Held, heldBy, type Kept, nameHeld } from './held.ts';
import { freeze, survivesJson } from './json.ts';
import { type Call, isOk, type Thread } from './scenario.ts';

/** What a thread carries from one call to the next. */
export interface Root {
  readonly call: number;
  readonly locals: { readonly [name: string]: Json };
  readonly held: readonly Held[];
  /** What the call before has returned with. */
  readonly kept: readonly Kept[];
  /** It has turned interrupts off. */
  readonly irqsOff: boolean;
  /** How many slots of each pool it has taken. */
  readonly allocated: { readonly [pool: string]: number };
  /** What each call has returned, by its number, where an oracle asks for all of them. */
  readonly results: { readonly [call: string]: Json };
}

export const START: Root = { call: 0, locals: {}, held: [], kept: [], irqsOff: false, allocated: {}, results: {} };

export interface NamedThread extends Thread {
  readonly name: string;
  /** Also those results are kept that go on to no other call. */
  readonly keepsResults: boolean;
}

/** A loop in which nothing waits for anybody has to end by itself, and soon. */
const MOST_TURNS_WITHOUT_A_STEP = 1000;

interface Loop {
  /** Where in the log it began. */
  readonly at: number;
  /** What the thread had then, and has to have whenever it goes round. */
  readonly has: string;
  /** How many steps the thread had taken when the present turn began, and how many turns before it went by without one. */
  readonly fed: number;
  readonly idle: number;
}

/** A call as one generator: the operation, then the work it has left for the return to user space. */
function* runCall(call: Call, args: readonly unknown[]): Operation<unknown> {
  const deferred: (() => Operation)[] = [];
  const { edits } = call;
  const code = <R>(make: () => Operation<R>) => withoutDeferring(edits.length === 0 ? make() : edited(make, edits), deferred);
  const result = yield* code(() => call.operation(...(args as never[])));
  for (let work = deferred.shift(); work !== undefined; work = deferred.shift()) yield* code(work);
  return result;
}

function* withoutDeferring<R>(operation: Operation<R>, deferred: (() => Operation)[]): Operation<R> {
  let answer: Json = null;
  for (;;) {
    const next = operation.next(answer);
    if (next.done) return next.value;
    if ('mark' in next.value && next.value.mark === 'task-work') deferred.push(next.value.work);
    answer = yield next.value;
  }
}

/** Far more steps than a call takes that is not a loop in disguise, which would be explored for ever. */
const MOST_REPLIES = 1000;

export class Cursor {
  readonly thread: NamedThread;
  /** The step before which the thread stands; null once it has ended or stopped. */
  step: Step | null = null;
  status: 'running' | 'ended' | 'stopped' = 'running';
  /** The last advance went back to where a loop or the thread began: only there can positions repeat. */
  wentRound = false;
  /** A call has returned in the course of the last advance. */
  returned = false;

  private root: Root;
  private log: Json[] = [];
  private loops: Loop[] = [];
  /** How many steps it has taken, and how many works the present call has deferred. */
  private fed = 0;
  private deferred = 0;
  private held: Held[];
  /** What the last call has kept, as long as nothing was done since. */
  private kept: readonly Kept[];
  private irqsOff: boolean;
  private allocated: { [pool: string]: number };
  private generator: Operation<unknown> | null = null;

  constructor(thread: NamedThread, root: Root = START, log: readonly Json[] = []) {
    this.thread = thread;
    this.root = root;
    this.held = [...root.held];
    this.kept = root.kept;
    this.irqsOff = root.irqsOff;
    this.allocated = { ...root.allocated };
    this.pending = log;
    this.begin();
    this.replay(log);
  }

  get locksHeld(): readonly Held[] {
    return this.held;
  }

  /** The thread is between two calls, or at its end, and holds what the call before it has not let go of. */
  get locksKept(): readonly Kept[] {
    return this.kept;
  }

  get hasIrqsOff(): boolean {
    return this.irqsOff;
  }

  get locals(): Root['locals'] {
    return this.root.locals;
  }

  get position(): { readonly root: Root; readonly log: readonly Json[] } {
    return { root: this.root, log: this.log };
  }

  /** Names the position: two cursors with the same key go on alike. */
  get key(): string {
    const { call, locals, results } = this.root;
    const { status, heldInAnyOrder, kept, irqsOff, allocated, log } = this;
    return JSON.stringify([status, call, locals, results, heldInAnyOrder, kept, irqsOff, allocated, log]);
  }

  /** Who lets go of two locks and takes them again in the other order stands where it stood. */
  private get heldInAnyOrder(): readonly string[] {
    return this.held.map(nameHeld).toSorted();
  }

  allocations(pool: string): number {
    return this.allocated[pool] ?? 0;
  }

  /** The way was taken and answered. A splat that stops the thread leaves it where it is, with its locks. */
  feed(way: number, reply: Json, stops: boolean): void {
    const { step } = this;
    const taken = step?.step[way];
    if (step === null || taken === undefined) throw new RangeError(`${this.thread.name} was fed a way that it does not offer`);
    this.wentRound = false;
    this.returned = false;
    this.kept = [];
    this.fed++;
    if (stops) {
      this.status = 'stopped';
      this.step = null;
      return;
    }
    this.note(taken, reply);
    const entry = step.step.length === 1 ? reply : { way: taken.name, reply };
    this.log.push(step.step.length === 1 ? reply : [way, reply]);
    if (this.log.length > MOST_REPLIES) throw this.neverComesRound();
    this.advance(entry);
  }

  private neverComesRound(): ModelError {
    const { operation } = this.thread.calls[this.root.call] ?? {};
    return new ModelError(
      `Thread "${this.thread.name}": ${operation?.name ?? 'a call'}() has taken ${MOST_REPLIES} steps, and each was a new position`,
      'write a loop of unknown length with loop() and again(), which forgets the replies of a turn when the next begins',
    );
  }

  private note(taken: Alternative, reply: Json): void {
    for (const [index, { object, means, event }] of taken.messages.entries()) {
      if (means.kind === 'acquire' && (!means.try || (index === 0 && reply === true))) this.held.push(heldBy(object, means));
      if (means.irqs !== undefined)
        this.irqsOff = means.irqs === 'off' || (means.irqs === 'restore' && event['flags'] !== true && this.irqsOff);
      if (means.kind === 'release') this.letGo(object, means.mode ?? 'exclusive');
      if (event.type === 'kzalloc') this.allocated[object] = this.allocations(object) + 1;
    }
  }

  private letGo(object: string, mode: Held['mode']): void {
    const same = this.held.findLastIndex((held) => held.object === object && held.mode === mode);
    const at = same >= 0 ? same : this.held.findLastIndex((held) => held.object === object);
    if (at >= 0) this.held.splice(at, 1);
  }

  private replay(log: readonly Json[]): void {
    while (this.log.length < log.length) {
      if (this.step === null) throw this.changedItsMind();
      const entry = log[this.log.length] as Json;
      if (this.step.step.length === 1) this.feed(0, entry, false);
      else {
        const [way, reply] = entry as [number, Json];
        if (this.step.step[way] === undefined) throw this.changedItsMind();
        this.feed(way, reply, false);
      }
    }
    this.pending = [];
  }

  /** An operation is a function of its arguments and of the replies that it has had: this one is not. */
  changedItsMind(): ModelError {
    const { operation } = this.thread.calls[this.root.call] ?? this.thread.calls.at(-1) ?? {};
    return new ModelError(
      `Thread "${this.thread.name}": ${operation?.name ?? 'a call'}() goes another way when it is run again with the same replies`,
      'what it knows comes from its arguments, its replies and the state of its loops: no other variable outlives a step or a turn',
    );
  }

  /** The log that is being replayed: a loop that is entered takes its state from there. */
  private pending: readonly Json[];

  private begin(): void {
    let round = 0;
    for (;;) {
      const call = this.thread.calls[this.root.call];
      if (call === undefined) {
        if (!this.thread.forever || this.thread.calls.every(({ isLeftOut }) => isLeftOut)) {
          this.status = 'ended';
          this.step = null;
          return;
        }
        if (++round > 1) throw new ModelError(`Thread "${this.thread.name}" repeats for ever without a step`);
        const { kept, irqsOff } = this;
        this.root = { ...START, held: [...this.held], kept, irqsOff, allocated: { ...this.allocated } };
        this.wentRound = true;
        continue;
      }
      const condition = call.condition;
      if (
        call.isLeftOut ||
        (condition !== null && !(condition in this.root.locals && isOk(decode(this.root.locals[condition] as Json))))
      ) {
        this.root = { ...this.root, call: this.root.call + 1 };
        continue;
      }
      this.log = [];
      this.loops = [];
      this.deferred = 0;
      this.generator = runCall(
        call,
        call.args.map((arg) => this.argument(arg)),
      );
      if (this.run(null)) return;
    }
  }

  private argument(arg: unknown): unknown {
    if (typeof arg !== 'object' || arg === null || !('local' in arg)) return arg;
    const value = this.root.locals[String(arg.local)];
    if (value === undefined)
      throw new ModelError(`Thread "${this.thread.name}" uses "${String(arg.local)}" before any call has put its result there`);
    return decode(value);
  }

  private advance(answer: Json): void {
    if (!this.run(answer)) this.begin();
  }

  /** Runs to the next step. @returns false when the call has returned */
  private run(answer: Json): boolean {
    const generator = this.generator as Operation<unknown>;
    let input = answer;
    for (;;) {
      const next = this.guarded(() => generator.next(input));
      if (next.done) {
        this.finish(next.value);
        return false;
      }
      if ('step' in next.value) {
        this.step = next.value;
        return true;
      }
      input = this.mark(next.value);
    }
  }

  private finish(result: unknown): void {
    const call = this.thread.calls[this.root.call] as Call;
    if (isAgain(result))
      throw new ModelError(
        `Thread "${this.thread.name}": ${call.operation.name}() returns again() and is no loop`,
        'yield* loop(…, function* () { … return again(…) })',
      );
    const keep = (into: Root['locals'], name: string | number) => ({ ...into, [name]: this.keep(result ?? null) });
    this.returned = true;
    this.kept = this.keptBy(call);
    this.root = {
      call: this.root.call + 1,
      locals: call.result === null ? this.root.locals : keep(this.root.locals, call.result),
      held: [...this.held],
      kept: this.kept,
      irqsOff: this.irqsOff,
      allocated: { ...this.allocated },
      results: this.thread.keepsResults ? keep(this.root.results, this.root.call) : this.root.results,
    };
    this.generator = null;
    this.log = [];
  }

  /** The locks with which the call returns: also those of a call before, for a kernel would complain anew. */
  private keptBy({ operation: { name } }: Call): readonly Kept[] {
    const paths = new Set(this.held.flatMap(({ object, interrupt }) => (interrupt ? [] : [object])));
    return [...paths].toSorted().map((object) => ({ object, operation: name }));
  }

  private mark(mark: Mark): Json {
    switch (mark.mark) {
      case 'loop': {
        const state = this.log.length < this.pending.length ? (this.pending[this.log.length] as Json) : this.keep(mark.state);
        this.loops.push({ at: this.log.length, has: this.has, fed: this.fed, idle: 0 });
        this.log.push(state);
        return decode(state) as Json;
      }
      case 'again': {
        const loop = this.loops.pop();
        if (loop === undefined) throw new ModelError(`Thread "${this.thread.name}" goes round a loop that it did not enter`);
        if (loop.has !== this.has)
          throw new ModelError(
            `Thread "${this.thread.name}" goes round a loop with a lock, an allocation or deferred work that it did not have when the loop began, or without one`,
            'release in the body of the loop what it takes, and defer work outside of it',
          );
        const idle = loop.fed === this.fed ? loop.idle + 1 : 0;
        if (idle > MOST_TURNS_WITHOUT_A_STEP)
          throw new ModelError(`Thread "${this.thread.name}" goes round a loop for ever without a step`);
        this.loops.push({ ...loop, fed: this.fed, idle });
        this.log.length = loop.at;
        this.log.push(this.keep(mark.state));
        this.wentRound = true;
        return decode(this.log[loop.at] as Json) as Json;
      }
      case 'leave':
        this.loops.pop();
        return null;
      case 'task-work':
        this.deferred++;
        return null;
    }
  }

  /** What must be the same in each turn of a loop, for the log of a turn does not tell of it. */
  private get has(): string {
    return JSON.stringify([this.heldInAnyOrder, this.irqsOff, this.allocated, this.deferred]);
  }

  /** What goes on from call to call, or from turn to turn, in the form in which a position names it. */
  private keep(value: unknown): Json {
    const kept = encode(value);
    if (survivesJson(kept)) return freeze(kept);
    throw new ModelError(
      `Thread "${this.thread.name}" keeps what JSON cannot hold: ${inspect(value)}`,
      'numbers, strings, booleans, handles, lists and plain objects',
    );
  }

  private guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof ModelError) throw error;
      const call = this.thread.calls[this.root.call];
      const where = /\((file:\/\/)?(\/[^)]+)\)/.exec(error instanceof Error ? (error.stack ?? '') : '')?.[2];
      throw new ModelError(
        `Thread "${this.thread.name}": ${call?.operation.name ?? 'a call'}() throws: ${messageOf(error)}${where ? ` (${where})` : ''}`,
        'an operation returns errors as the C code does; it never throws',
      );
    }
  }
}
