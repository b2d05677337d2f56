/** The worker threads of one search, and who answers them: ids of snapshots, answers and positions have one owner. */
import type { Worker } from 'node:worker_threads';
import { InternalError, messageOf } from '../../model/errors.ts';
import type { Program } from '../../tables/program.ts';
import { ANSWERED } from './control.ts';
import type { Answered, Asked, Command, FromWorker, Outfit, Reply } from './messages.ts';
import { packed, unpacked } from './errors.ts';
import type { Oracle, Verdict } from './oracle.ts';
import type { WorkerPool } from './worker-pool.ts';

/** How long nothing need be looked at. */
const TURN_MS = 50;

export class Crew {
  readonly size: number;
  private readonly program: Program;
  private readonly oracle: Oracle;
  private readonly control: Int32Array;
  private readonly pool: WorkerPool;
  private readonly workers: Worker[] = [];
  /** By worker, how much of the owner's log it knows. */
  private readonly known: number[] = [];
  private replies: (Reply | null)[] = [];
  private failure: { readonly error: unknown } | null = null;
  private wake: () => void = () => {};

  private constructor(program: Program, oracle: Oracle, control: Int32Array, size: number, pool: WorkerPool) {
    this.program = program;
    this.oracle = oracle;
    this.control = control;
    this.size = size;
    this.pool = pool;
  }

  /** @returns what was in the way, if they cannot be started */
  static async start(
    program: Program,
    oracle: Oracle,
    control: Int32Array,
    size: number,
    pool: WorkerPool,
  ): Promise<Crew | string> {
    const crew = new Crew(program, oracle, control, size, pool);
    try {
      for (let i = 0; i < size; i++) crew.hire(i);
      crew.order((worker) => ({ do: 'equip', outfit: crew.outfit(worker) }));
      while (!(await crew.isDone()));
      return crew;
    } catch (error) {
      await crew.end();
      return messageOf(error);
    }
  }

  /** Has each worker do something; `isDone` tells when all have. */
  order(command: (worker: number) => Command): void {
    this.replies = this.workers.map(() => null);
    for (const [i, worker] of this.workers.entries()) worker.postMessage(command(i), []);
  }

  /** Waits for a while. @returns whether every worker has replied. @throws what went wrong in a worker, or in answering it */
  async isDone(): Promise<boolean> {
    const isOver = () => this.failure !== null || !this.replies.includes(null);
    if (!isOver()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, TURN_MS);
        this.wake = () => {
          if (!isOver()) return;
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = () => {};
    }
    if (this.failure !== null) throw this.failure.error;
    return isOver();
  }

  get said(): readonly Reply[] {
    return this.replies as readonly Reply[];
  }

  /** What the worker has not yet been told of what was learned. */
  news(worker: number): Int32Array {
    const news = this.since(this.known[worker] as number);
    this.known[worker] = this.program.log.length;
    return news;
  }

  /** Lets the workers go; those that may still be at work are stopped. */
  async end(): Promise<void> {
    const areIdle = this.failure === null && !this.replies.includes(null);
    const workers = this.workers.splice(0);
    if (areIdle) for (const worker of workers) this.pool.giveBack(worker);
    else await Promise.all(workers.map((worker) => this.pool.stop(worker)));
  }

  private hire(i: number): void {
    const hear = (message: unknown) => this.hear(i, message as FromWorker);
    const fail = (error: Error | null) =>
      this.fail(error ?? new InternalError('a worker of the search has ended before its time'));
    this.workers.push(this.pool.take(hear, fail));
    this.known.push(0);
  }

  private outfit(worker: number): Outfit {
    const { slots, threads, world } = this.program;
    const machines = world.slots.map(({ part: { machine } }) => machine);
    const tableOf = machines.map((machine) => machines.indexOf(machine));
    const shape = { slots, threads, tableOf, initial: this.program.initial() };
    return { worker, control: this.control, shape, predicates: this.oracle.predicates };
  }

  private hear(i: number, message: FromWorker): void {
    if ('asked' in message) this.tell(i, this.answerTo(message.asked));
    else if ('threw' in message) this.fail(unpacked(message.threw));
    else {
      this.replies[i] = message.reply;
      this.wake();
    }
  }

  private answerTo(asked: Asked): Answered {
    try {
      let verdict: Verdict | null = null;
      if (asked.ask === 'cell') this.program.nextOf(asked.slot, asked.snapshot, asked.event);
      else if (asked.ask === 'outcome') this.program.knowOutcome(asked.position, asked.way, asked.answer);
      else verdict = this.oracle.verdict(asked.predicate, asked.state, asked.strict);
      return { log: this.since(asked.known), verdict };
    } catch (error) {
      return { refused: packed(error) };
    }
  }

  private tell(i: number, answered: Answered): void {
    if ('log' in answered) this.known[i] = this.program.log.length;
    this.workers[i]?.postMessage(answered, []);
    Atomics.store(this.control, ANSWERED + i, 1);
    Atomics.notify(this.control, ANSWERED + i);
  }

  private since(known: number): Int32Array {
    return this.program.log.all.slice(known, this.program.log.length);
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }
}
