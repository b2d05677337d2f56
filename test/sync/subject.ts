/** Plays events on the machines of parts, and steps of operations on several of them, without the checker. */
import { type AnyMachineSnapshot, initialTransition, transition } from 'xstate';
import type { Mark, Operation, Step } from '../../actors/step.ts';
import type { AnyPart, Emitted, Json, Splat } from '../../machines/object.ts';

export interface Answer {
  readonly reply: Json;
  /** Kind, what a kernel would print, and whether the thread ends there. */
  readonly splats: readonly string[];
  readonly stops: boolean;
}

const line = ({ kind, prints, stops }: Splat): string => `${kind}: ${prints ?? '(silence)'}${stops ? ' (stops)' : ''}`;

/** One part. A thread's name is given where the checker would stamp it. */
export class Subject {
  snapshot: AnyMachineSnapshot;
  readonly part: AnyPart;

  constructor(part: AnyPart) {
    this.part = part;
    this.snapshot = initialTransition(part.machine, part.input)[0];
  }

  can(type: string, ask: object = {}): boolean {
    return this.snapshot.can({ type, ...ask });
  }

  say(type: string, ask: object = {}): Answer {
    if (!this.can(type, ask)) throw new Error(`${type} is not enabled in ${JSON.stringify(this.snapshot.value)}`);
    const [next, actions] = transition(this.part.machine, this.snapshot, { type, ...ask });
    this.snapshot = next;
    const said = (actions as readonly { type: string; params: unknown }[]).flatMap((action) =>
      action.type === 'xstate.emit' ? [(action.params as { event: Emitted }).event] : [],
    );
    const splats = said.filter((emitted) => emitted.type === 'splat');
    const replies = said.filter((emitted) => emitted.type === 'reply');
    return { reply: replies.at(-1)?.value ?? null, splats: splats.map(line), stops: splats.some(({ stops }) => stops) };
  }

  /** What each of the calls gives: its reply, after the splats if there are any. */
  tell(...calls: readonly (string | readonly [type: string, ask: object])[]): readonly unknown[] {
    return calls.map((call) => {
      const { reply, splats } = typeof call === 'string' ? this.say(call) : this.say(...call);
      return splats.length === 0 ? reply : [...splats, ...(reply === null ? [] : [JSON.stringify(reply)])].join(' -> ');
    });
  }

  get state(): unknown {
    return this.snapshot.value;
  }

  get context(): Json {
    return this.snapshot.context as Json;
  }
}

const touched = 'use-after-free: BUG: KASAN: slab-use-after-free (stops)';

/** Parts by their paths. A freed struct answers every access to it with a use after free. */
export class Objects {
  readonly splats: string[] = [];
  private readonly subjects: { readonly [path: string]: Subject };
  private readonly freed = new Set<string>();

  constructor(parts: { readonly [path: string]: AnyPart }) {
    this.subjects = Object.fromEntries(Object.entries(parts).map(([path, part]) => [path, new Subject(part)]));
  }

  at(path: string): Subject {
    const subject = this.subjects[path];
    if (subject === undefined) throw new Error(`there is no "${path}"`);
    return subject;
  }

  start<R>(name: string, operation: Operation<R>): TestThread<R> {
    return new TestThread(this, name, operation);
  }

  /** @returns the event names of the steps, in order */
  run<R>(name: string, operation: Operation<R>): { readonly result: R | undefined; readonly steps: readonly string[] } {
    const thread = this.start(name, operation);
    const steps: string[] = [];
    while (thread.next !== null && thread.canStep()) {
      steps.push(thread.next);
      thread.step();
    }
    return { result: thread.result, steps };
  }

  free(struct: string): void {
    this.freed.add(struct);
    for (const { part, snapshot } of Object.values(this.subjects))
      if (part.hearsFrees && !snapshot.can({ type: 'freed', entry: { at: struct } })) throw new Error('a free that is not heard');
    for (const subject of Object.values(this.subjects))
      if (subject.part.hearsFrees) this.splats.push(...subject.say('freed', { entry: { at: struct } }).splats);
  }

  isFreed(path: string): boolean {
    return this.freed.has(path.slice(0, path.lastIndexOf('.')));
  }

  reportUse(): void {
    this.splats.push(touched);
  }
}

/** One thread, driven step by step by the test. */
export class TestThread<R> {
  result: R | undefined;
  status: 'running' | 'ended' | 'stopped' = 'running';
  private readonly objects: Objects;
  private readonly name: string;
  private readonly deferred: (() => Operation)[] = [];
  private operation: Operation<unknown>;
  private present: Step | null = null;
  private isDeferred = false;

  constructor(objects: Objects, name: string, operation: Operation<R>) {
    this.objects = objects;
    this.name = name;
    this.operation = operation;
    this.advance(null);
  }

  /** The event of the step before which it stands. */
  get next(): string | null {
    return this.present?.step[0].messages[0].event.type ?? null;
  }

  /** The names of the ways that are enabled. */
  get ways(): readonly string[] {
    return (this.present?.step ?? []).filter(({ messages }) => this.enabled(messages)).map(({ name }) => name);
  }

  canStep(): boolean {
    return this.ways.length > 0;
  }

  /** It has a step before it that it cannot take. */
  get isBlocked(): boolean {
    return this.present !== null && !this.canStep();
  }

  /** Takes one step: the first enabled way, or the one that is named. */
  step(named?: string): void {
    const name = named ?? this.ways[0];
    const way = this.present?.step.find((one) => one.name === name);
    if (this.present === null || way === undefined || !this.enabled(way.messages))
      throw new Error(`${this.name} cannot take "${name}" before "${this.next}"`);
    const { messages } = way;
    if (messages.some(({ object }) => this.objects.isFreed(object))) {
      this.objects.reportUse();
      return this.stop();
    }
    const answers = messages.map((message) => {
      const { object, event } = message;
      if (event.type === 'kfree') return this.free(object);
      if (object === 'environment') return this.log(`${event.type}: ${event.text as string}`);
      return this.objects.at(object).say(event.type, this.asked(message));
    });
    this.objects.splats.push(...answers.flatMap(({ splats }) => splats));
    if (answers.some(({ stops }) => stops)) return this.stop();
    const reply = answers[0]?.reply ?? null;
    this.advance(this.present.step.length === 1 ? reply : { way: way.name, reply });
  }

  /** Steps until it blocks or ends. */
  go(): this {
    while (this.canStep()) this.step();
    return this;
  }

  private asked({ event, means }: Step['step'][0]['messages'][0]): object {
    const { type: _, ...ask } = event;
    const isStamped = means.stamped || means.kind === 'acquire' || means.kind === 'release';
    return isStamped ? { ...ask, by: this.name } : ask;
  }

  private enabled(messages: Step['step'][0]['messages']): boolean {
    return messages.every(
      (message) =>
        message.event.type === 'kfree' ||
        message.object === 'environment' ||
        this.objects.isFreed(message.object) ||
        this.objects.at(message.object).can(message.event.type, this.asked(message)),
    );
  }

  private free(struct: string): Answer {
    this.objects.free(struct);
    return { reply: null, splats: [], stops: false };
  }

  private log(text: string): Answer {
    return { reply: null, splats: [text], stops: false };
  }

  private stop(): void {
    this.present = null;
    this.status = 'stopped';
  }

  private advance(answer: Json): void {
    let input = answer;
    for (;;) {
      const { done, value } = this.operation.next(input);
      if (done) {
        if (!this.isDeferred) this.result = value as R;
        const work = this.deferred.shift();
        if (work === undefined) {
          this.present = null;
          this.status = 'ended';
          return;
        }
        this.isDeferred = true;
        this.operation = work();
        input = null;
      } else if ('step' in value) {
        this.present = value;
        return;
      } else input = this.mark(value);
    }
  }

  private mark(mark: Mark): Json {
    if (mark.mark === 'task-work') this.deferred.push(mark.work);
    return 'state' in mark ? mark.state : null;
  }
}
