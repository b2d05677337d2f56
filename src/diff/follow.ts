/**
 * A counterexample of one design, followed in another: who goes next is taken from it, and what they do is compared step
 * by step, by the names of event and object.
 *
 * Designs differ, and a thread of the other may take steps in between, or none where the first takes some. Of the two the
 * shorter is taken: what it does beyond, up to where both are the same again, or what it leaves out. Where it never is
 * the same again, or has to wait, the other design leaves the counterexample for good.
 */
import type { Choice } from '../explore/choice.ts';
import { plainName } from '../model/names.ts';
import type { Position, Program } from '../tables/program.ts';
import type { TraceStep } from '../trace/trace.ts';

/** Where the two are not the same. */
export interface Parting {
  /** The step of the counterexample. */
  readonly step: TraceStep;
  /** How many choices the other design had made by then. */
  readonly after: number;
  /** The thread of the other design; null if it has none of that name. */
  readonly thread: string | null;
  readonly why: 'other step' | 'waits' | 'ended' | 'stopped' | 'no such thread';
}

export interface Followed {
  /** What the other design did. */
  readonly choices: readonly Choice[];
  /** Steps that both took, steps that only the other took, and steps that it left out. */
  readonly same: number;
  readonly extra: number;
  readonly leftOut: number;
  /** Where they first were not the same; null if they always were. */
  readonly first: Parting | null;
  /** Where the other design left for good; null if it came to the end of the counterexample. */
  readonly left: Parting | null;
}

/** A thread that has gone so far by itself has come to do something else. */
const MOST_AHEAD = 60;

export function follow(steps: readonly TraceStep[], program: Program, threadIn: (thread: string) => string): Followed {
  const follower = new Follower(steps, program, threadIn);
  follower.run();
  return follower.followed;
}

class Follower {
  private readonly steps: readonly TraceStep[];
  private readonly program: Program;
  private readonly threadIn: (thread: string) => string;
  private readonly state: Int32Array;
  private readonly next: Int32Array;
  private readonly choices: Choice[] = [];
  private same = 0;
  private extra = 0;
  private leftOut = 0;
  private first: Parting | null = null;
  private left: Parting | null = null;

  constructor(steps: readonly TraceStep[], program: Program, threadIn: (thread: string) => string) {
    this.steps = steps;
    this.program = program;
    this.threadIn = threadIn;
    this.state = program.initial();
    this.next = this.state.slice();
  }

  get followed(): Followed {
    const { choices, same, extra, leftOut, first, left } = this;
    return { choices, same, extra, leftOut, first, left };
  }

  run(): void {
    for (let i = 0; i < this.steps.length && this.left === null; i++) this.followStep(i);
  }

  private followStep(at: number): void {
    const step = this.steps[at] as TraceStep;
    const name = this.threadIn(step.thread);
    const thread = this.program.world.threads.findIndex((each) => each.name === name);
    const part = (why: Parting['why']): Parting => {
      const parting = { step, after: this.choices.length, thread: thread < 0 ? null : name, why };
      this.first ??= parting;
      return parting;
    };
    if (thread < 0) {
      this.left = part('no such thread');
      return;
    }
    for (;;) {
      const position = this.program.position(this.state, thread);
      if (position.status !== 'running') {
        this.left = part(position.status);
        return;
      }
      if (isSame(position, step)) {
        if (this.take(thread, this.wayOf(position, step))) this.same++;
        else this.left = part('waits');
        return;
      }
      const parting = part('other step');
      const ahead = this.stepsUntil(thread, step);
      const skipped = this.stepsLeftOut(at, position);
      if (ahead === null && skipped === null) {
        this.left = this.program.anyEnabled(this.state, thread) ? parting : { ...parting, why: 'waits' };
        return;
      }
      if (ahead === null || (skipped !== null && skipped < ahead)) {
        this.leftOut++;
        return;
      }
      this.takeAny(thread);
      this.extra++;
    }
  }

  /** Alone, how many steps until it stands before this one; null if it never comes there. */
  private stepsUntil(thread: number, step: TraceStep): number | null {
    const [state, next] = [this.state.slice(), this.state.slice()];
    for (let n = 0; n < MOST_AHEAD; n++) {
      const position = this.program.position(state, thread);
      if (position.status !== 'running') return null;
      if (isSame(position, step)) return n;
      if (!enabledWays(position).some((way) => this.program.choose(state, { thread, way }, next))) return null;
      state.set(next);
    }
    return null;
  }

  /** How many steps the counterexample's thread takes until it does what the other design does now; null if it never does. */
  private stepsLeftOut(at: number, position: Position): number | null {
    const { thread } = this.steps[at] as TraceStep;
    const own = this.steps.slice(at).filter((step) => step.thread === thread);
    const found = own.findIndex((step) => isSame(position, step));
    return found < 0 ? null : found;
  }

  private wayOf(position: Position, { way }: TraceStep): number {
    const named = enabledWays(position).find((n) => this.program.ways[position.firstWay + n]?.name === way);
    return named ?? 0;
  }

  private takeAny(thread: number): void {
    const position = this.program.position(this.state, thread);
    enabledWays(position).some((way) => this.take(thread, way));
  }

  private take(thread: number, way: number): boolean {
    if (!this.program.choose(this.state, { thread, way }, this.next)) return false;
    this.choices.push({ thread, way });
    this.state.set(this.next);
    return true;
  }
}

const enabledWays = ({ ways }: Position): readonly number[] => Array.from({ length: ways }, (_, way) => way);

const isSame = ({ step }: Position, { event, object }: TraceStep): boolean =>
  step !== null && step.event.type === event.type && plainName(step.object) === plainName(object);
