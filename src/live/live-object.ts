/** One part as a running XState actor: it hears what is delivered to its slot, and answers on the bus. */
import { type Actor, type AnyMachineSnapshot, type AnyStateMachine, createActor } from 'xstate';
import type { Emitted } from '../../machines/object.ts';
import type { Slot } from '../model/world.ts';
import { answerOf, ask } from '../tables/answer.ts';
import type { Change, Condition } from '../trace/trace.ts';
import type { Bus } from './bus.ts';
import { stateName } from '../model/names.ts';

export class LiveObject {
  readonly slot: Slot;
  private readonly actor: Actor<AnyStateMachine>;
  private emitted: Emitted[] = [];
  /** As it was before the last message. */
  private previous: AnyMachineSnapshot;
  /** The pure question costs more than a step, and is asked of every thread's step at every turn. */
  private readonly stops = new WeakMap<AnyMachineSnapshot, Map<string, boolean>>();

  constructor(slot: Slot, bus: Bus) {
    this.slot = slot;
    this.actor = createActor(slot.part.machine, { input: slot.part.input });
    this.actor.on('*', (said) => this.emitted.push(said as unknown as Emitted));
    this.actor.start();
    this.previous = this.actor.getSnapshot();
    bus.listen((message) => {
      if (message.type !== 'deliver' || message.slot !== slot.index) return;
      this.emitted = [];
      this.previous = this.actor.getSnapshot();
      this.actor.send(message.event);
      bus.say({ type: 'answer', slot: slot.index, answer: answerOf(this.emitted) });
    });
  }

  can(event: { readonly type: string }): boolean {
    return this.actor.getSnapshot().can(event);
  }

  /** Whether the thread would get no further than this: the memory is freed, the pointer is NULL. */
  wouldStop(event: { readonly type: string }): boolean {
    const snapshot = this.actor.getSnapshot();
    const known = this.stops.get(snapshot) ?? new Map<string, boolean>();
    this.stops.set(snapshot, known);
    let stops = known.get(event.type);
    if (stops === undefined) {
      stops = ask(this.slot.part.machine, snapshot, event)?.answer.stops ?? false;
      known.set(event.type, stops);
    }
    return stops;
  }

  /** What the last message has changed; null if it left everything as it was. */
  get change(): Change | null {
    const [before, after] = [conditionOf(this.previous), this.condition];
    return JSON.stringify(before) === JSON.stringify(after) ? null : { path: this.slot.path, before, after };
  }

  get condition(): Condition {
    return conditionOf(this.actor.getSnapshot());
  }

  stop(): void {
    this.actor.stop();
  }
}

const conditionOf = ({ value, context }: AnyMachineSnapshot): Condition => ({
  state: stateName(value),
  context: context as Condition['context'],
});
