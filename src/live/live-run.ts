/** One schedule of a variant on live actors, step by step, with its trace. */
import type { Alternative } from '../../actors/step.ts';
import type { Variant } from '../model/scenario.ts';
import { callSitesOf, framesOf, functionsOf } from '../model/stack.ts';
import type { Cursor } from '../model/thread.ts';
import { type Send, type Way, World } from '../model/world.ts';
import { spell } from '../trace/spelling.ts';
import type { Change, Standing, Trace, TraceStep } from '../trace/trace.ts';
import { createBus } from './bus.ts';
import { LiveObject } from './live-object.ts';
import { LiveThread, type Taken } from './live-thread.ts';
import { type Option, type Strategy, schedule } from './scheduler.ts';

/** A run that loops is stopped here, and says so. */
const MOST_STEPS = 100_000;

export interface LiveResult extends Trace {
  /** Where each thread stands, in the words of its position: for comparison with the compiled run. */
  readonly positions: readonly string[];
  /** What each slot is in at the end. */
  readonly conditions: readonly string[];
}

export class LiveRun {
  private readonly world: World;
  private readonly bus = createBus();
  private readonly objects: readonly LiveObject[];
  private readonly threads: readonly LiveThread[];
  private readonly steps: TraceStep[] = [];
  /** What could have been next, of which one step is being taken. */
  private options: readonly Option[] = [];
  private last: string | null = null;

  constructor(variant: Variant) {
    this.world = new World(variant);
    this.objects = this.world.slots.map((slot) => new LiveObject(slot, this.bus));
    const asks = { can: (send: Send) => this.can(send), wouldStop: (send: Send) => this.wouldStop(send) };
    this.threads = this.world.threads.map((thread) => {
      const live: LiveThread = new LiveThread(thread, this.world, this.bus, asks, (taken) => this.record(live, taken));
      return live;
    });
  }

  /** Steps as they are taken, for who wants to watch. */
  get messages() {
    return this.bus.messages;
  }

  run(strategy: Strategy): Promise<LiveResult> {
    return new Promise((resolve, reject) => {
      this.bus.onFailure(reject);
      this.bus.messages.pipe(schedule(strategy, () => this.look())).subscribe({
        next: (grant) => {
          if (grant === null || this.steps.length >= MOST_STEPS) return this.finish(resolve);
          this.bus.say(grant);
        },
        error: reject,
      });
      this.bus.say({ type: 'request', thread: null });
    });
  }

  private finish(resolve: (result: LiveResult) => void): void {
    const result = {
      steps: this.steps,
      standing: this.threads.map((thread) => this.standing(thread)),
      positions: this.threads.map(({ cursor }) => cursor.key),
      conditions: this.objects.map(({ condition }) => JSON.stringify(condition)),
    };
    for (const object of this.objects) object.stop();
    this.bus.close();
    resolve(result);
  }

  private can({ slot, event }: Send): boolean {
    return (this.objects[slot] as LiveObject).can(event);
  }

  private wouldStop({ slot, event }: Send): boolean {
    return (this.objects[slot] as LiveObject).wouldStop(event);
  }

  private isEnabled(way: Way): boolean {
    if (way.sends.some((send) => send.rule === 'run' && !this.can(send))) return false;
    if (way.sends.some((send) => send.rule === 'first' && this.wouldStop(send))) return true;
    return way.sends.every((send) => send.rule === 'if-able' || this.can(send));
  }

  private look(): readonly Option[] {
    this.options = this.threads.flatMap((thread) => {
      const { step, thread: named } = thread.cursor;
      return thread.ways.flatMap((way, index): Option[] => {
        const alternative = step?.step[index] as Alternative;
        const [message] = alternative.messages;
        return this.isEnabled(way)
          ? [
              {
                thread: named.name,
                way: index,
                wayName: way.name,
                hasOtherWays: (step?.step.length ?? 0) > 1,
                event: message.event.type,
                object: message.object,
                c: this.spell(alternative),
              },
            ]
          : [];
      });
    });
    return this.options;
  }

  private spell(way: Alternative): string {
    return spell(way.messages[0], this.isStatic(way.messages[0].object));
  }

  private isStatic(path: string): boolean {
    const [name = ''] = path.split('.');
    return this.world.instances.some((instance) => instance.name === name && instance.struct.lifetime === 'static');
  }

  private record(thread: LiveThread, { way, index, answers, reply, stops }: Taken): void {
    const { cursor } = thread;
    const { options } = this;
    const step = cursor.step as NonNullable<Cursor['step']>;
    const alternative = step.step[index] as Alternative;
    const [message] = alternative.messages;
    const { name } = cursor.thread;
    const call = cursor.position.root.call;
    const functions = functionsOf(step.stack).filter((fn) => fn !== message.event.type);
    const frames = framesOf(step.stack).filter((at) => at.function !== message.event.type);
    const [frame] = frames;
    const recorded: TraceStep = {
      index: this.steps.length + 1,
      thread: name,
      operation: functions[0] ?? message.event.type,
      call,
      functions,
      callSites: callSitesOf(frames),
      place: frame === undefined ? null : { file: frame.file, line: frame.line, column: frame.column },
      object: message.object,
      event: way.sends[way.main]?.event ?? message.event,
      means: message.means,
      also: alternative.messages.slice(1).map(({ object, means }) => ({ object, means })),
      c: this.spell(alternative),
      way: step.step.length > 1 ? alternative.name : null,
      reply,
      splats: answers.flatMap(({ slot, answer }) =>
        answer.splats.map((splat) => ({ ...splat, object: this.world.nameOf(slot) })),
      ),
      stops,
      changes: this.changesIn(answers.map(({ slot }) => slot)),
      held: cursor.locksHeld.map(({ object }) => object),
      preempts: this.last !== null && this.last !== name && options.some((option) => option.thread === this.last),
      hadChoice: options.length > 1,
    };
    this.steps.push(recorded);
    this.last = name;
    this.bus.say({ type: 'step', step: recorded });
  }

  private changesIn(slots: readonly number[]): readonly Change[] {
    return slots.toSorted((a, b) => a - b).flatMap((slot) => (this.objects[slot] as LiveObject).change ?? []);
  }

  private standing(thread: LiveThread): Standing {
    const { cursor } = thread;
    const alternative = cursor.step?.step[0];
    const message = alternative?.messages[0];
    return {
      thread: cursor.thread.name,
      kind: cursor.thread.kind,
      status: cursor.status,
      functions: functionsOf(cursor.step?.stack ?? '').filter((name) => name !== message?.event.type),
      next: alternative === undefined ? null : this.spell(alternative),
      object: message?.object ?? null,
      event: message?.event.type ?? null,
      blocked: cursor.status === 'running' && !thread.ways.some((way) => this.isEnabled(way)),
      held: cursor.locksHeld.map(({ object }) => object),
    };
  }
}
