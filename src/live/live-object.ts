/** One part as a running XState actor: it hears what is delivered to its slot, and answers on the bus. */
import { type Actor, type AnyStateMachine, createActor } from 'xstate';
import type { Emitted } from '../../machines/object.ts';
import type { Slot } from '../model/world.ts';
import { answerOf, ask } from '../tables/answer.ts';
import type { Condition } from '../trace/trace.ts';
import type { Bus } from './bus.ts';

export class LiveObject {
  readonly slot: Slot;
  private readonly actor: Actor<AnyStateMachine>;
  private emitted: Emitted[] = [];

  constructor(slot: Slot, bus: Bus) {
    this.slot = slot;
    this.actor = createActor(slot.part.machine, { input: slot.part.input });
    this.actor.on('*', (said) => this.emitted.push(said as unknown as Emitted));
    this.actor.start();
    bus.listen((message) => {
      if (message.type !== 'deliver' || message.slot !== slot.index) return;
      this.emitted = [];
      this.actor.send(message.event);
      bus.say({ type: 'answer', slot: slot.index, answer: answerOf(this.emitted) });
    });
  }

  can(event: { readonly type: string }): boolean {
    return this.actor.getSnapshot().can(event);
  }

  /** Whether the thread would get no further than this: the memory is freed, the pointer is NULL. */
  wouldStop(event: { readonly type: string }): boolean {
    return ask(this.slot.part.machine, this.actor.getSnapshot(), event)?.answer.stops ?? false;
  }

  get condition(): Condition {
    const { value, context } = this.actor.getSnapshot();
    return { state: typeof value === 'string' ? value : JSON.stringify(value), context: context as Condition['context'] };
  }

  stop(): void {
    this.actor.stop();
  }
}
