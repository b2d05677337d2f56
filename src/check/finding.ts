/** A finding: a fault with its best counterexample, confirmed on the live actors. */
import type { Kind } from '../../machines/object.ts';
import type { Fault } from '../explore/judge.ts';
import type { WholeOperation } from '../explore/serial-orders.ts';
import type { Place } from '../explore/serial-outcome.ts';
import type { Symptom } from '../explore/symptom.ts';
import type { LockOrder } from './lock-order/lock-order.ts';
import type { RacingPair } from '../trace/racing-pair.ts';
import type { Schedule } from '../trace/schedule.ts';
import type { Trace } from '../trace/trace.ts';

/** The order of whole operations that ends most like the run. */
export interface NearestOrder {
  readonly order: readonly WholeOperation[];
  /** What differs, that which names the finding first. */
  readonly differences: readonly Difference[];
  /** How many outcomes are like this one: no order gives them, and this is what first differs. */
  readonly outcomes: number;
}

export interface Difference {
  readonly object: string;
  readonly of: Place['of'];
  /** At the end of the run, and of the order. */
  readonly here: string;
  readonly there: string;
}

export interface Finding {
  readonly kind: Kind;
  /** Stable: made from scenario, variant, kind and racing steps, never from the schedule. */
  readonly id: string;
  /** The scenario expects it. */
  readonly expected: boolean;
  /** One sentence of what went wrong. */
  readonly message: string;
  readonly object: string;
  /** The threads that take steps in the counterexample. */
  readonly threads: readonly string[];
  readonly pair: RacingPair;
  readonly preemptions: number;
  /** No schedule with fewer preemptions leads to it. */
  readonly proven: boolean;
  readonly schedule: Schedule | null;
  readonly trace: Trace | null;
  /** Where a loop begins in the trace, for what never ends. */
  readonly loopFrom: number | null;
  /**
   * What the finding does not need, and its counterexample leaves out: `user`, a thread; `registrar_b.2`, its second call.
   * Threads, preemptions, trace and schedule are those of the design without them.
   */
  readonly without: readonly string[];
  readonly fault: Fault;
  /** What a kernel would first say, where it says nothing at the finding itself. */
  readonly symptom: Symptom | null;
  /** For locks that are taken in an order that may end in a deadlock. */
  readonly order: LockOrder | null;
  /** For a run that ends as no order of whole operations does. */
  readonly serial: NearestOrder | null;
}
