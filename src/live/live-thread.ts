/** One thread as a running generator: granted a way, it says its messages one by one and goes on with the reply. */
import { type NamedThread, Cursor } from '../model/thread.ts';
import type { Send, Way, World } from '../model/world.ts';
import type { Answer } from '../tables/answer.ts';
import type { Bus } from './bus.ts';

export interface Taken {
  readonly way: Way;
  readonly index: number;
  readonly answers: readonly { readonly slot: number; readonly answer: Answer }[];
  readonly reply: Answer['reply'];
  readonly stops: boolean;
}

/** What a thread wants to know of the objects before it speaks. */
export interface Asks {
  can(send: Send): boolean;
  /** The thread would get no further than this: the memory is freed, the pointer is NULL. */
  wouldStop(send: Send): boolean;
}

export class LiveThread {
  readonly cursor: Cursor;
  private readonly world: World;
  private readonly bus: Bus;
  private resolved: { readonly step: Cursor['step']; readonly ways: readonly Way[] } | null = null;
  private readonly asks: Asks;
  private readonly took: (taken: Taken) => void;
  private current: {
    readonly way: Way;
    readonly sends: readonly Send[];
    readonly index: number;
    said: number;
    answers: { slot: number; answer: Answer }[];
  } | null = null;

  constructor(thread: NamedThread, world: World, bus: Bus, asks: Asks, took: (taken: Taken) => void) {
    this.cursor = new Cursor(thread);
    this.world = world;
    this.bus = bus;
    this.asks = asks;
    this.took = took;
    bus.listen((message) => {
      if (message.type === 'grant' && message.thread === thread.name) this.begin(message.way);
      if (message.type === 'answer' && this.current !== null) this.hear(message.slot, message.answer);
    });
  }

  /** Resolved once for each step: every turn asks all threads, and but one of them stand where they stood. */
  get ways(): readonly Way[] {
    const { step } = this.cursor;
    if (this.resolved?.step !== step) this.resolved = { step, ways: this.world.waysOf(this.cursor) };
    return this.resolved?.ways ?? [];
  }

  private begin(index: number): void {
    const way = this.ways[index];
    if (way === undefined) throw new RangeError(`${this.cursor.thread.name} was granted a way that it does not offer`);
    // Memory that is freed, or a NULL pointer: the rest of the step is not said, not even what stands before it.
    const end = way.sends.find((send) => send.rule === 'first' && this.asks.wouldStop(send));
    this.current = { way, sends: end === undefined ? way.sends : [end], index, said: 0, answers: [] };
    this.sayNext();
  }

  private sayNext(): void {
    const current = this.current as NonNullable<typeof this.current>;
    const { sends } = current;
    while (current.said < sends.length) {
      const send = sends[current.said++] as Send;
      if (send.rule === 'if-able' && !this.asks.can(send)) continue;
      this.bus.say({ type: 'deliver', slot: send.slot, event: send.event });
      return;
    }
    this.finish();
  }

  private hear(slot: number, answer: Answer): void {
    const current = this.current as NonNullable<typeof this.current>;
    current.answers.push({ slot, answer });
    this.sayNext();
  }

  private finish(): void {
    const { way, index, answers } = this.current as NonNullable<typeof this.current>;
    this.current = null;
    const main = way.sends[way.main]?.slot;
    const reply = answers.find(({ slot }) => slot === main)?.answer.reply ?? null;
    const stops = answers.some(({ answer }) => answer.stops);
    const taken = { way, index, answers, reply, stops };
    this.took(taken);
    this.cursor.feed(index, reply, stops);
    this.bus.say({ type: 'request', thread: this.cursor.thread.name });
  }
}
