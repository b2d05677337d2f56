/** The worker threads of one search, and who answers them: ids of snapshots, answers and positions have one owner. */
import { Worker } from 'node:worker_threads';
import { InternalError, messageOf } from '../../model/errors.ts';
import type { Program } from '../../tables/program.ts';
import { ANSWERED } from './control.ts';
import type { Answered, Asked, Command, FromWorker, Outfit, Reply } from './messages.ts';
import type { Oracle } from './oracle.ts';

const ENTRY = new URL('./worker.js', import.meta.url);

/** How long nothing need be looked at. */
const TURN_MS = 50;

export class Crew {
  readonly size: number;
  private readonly program: Program;
  private readonly oracle: Oracle;
  private readonly control: Int32Array;
  private readonly workers: Worker[] = [];
  /** By worker, how much of the owner's log it knows. */
  private readonly known: number[] = [];
  private replies: (Reply | null)[] = [];
  private failure: { readonly error: unknown } | null = null;
  private wake: () => void = () => {};

  private constructor(program: Program, oracle: Oracle, control: Int32Array, size: number) {
    this.program = program;
    this.oracle = oracle;
    this.control = control;
    this.size = size;
  }

  /** @returns what was in the way, if they cannot be started */
  static async start(program: Program, oracle: Oracle, control: Int32Array, size: number): Promise<Crew | string> {
    const crew = new Crew(program, oracle, control, size);
    try {
      crew.replies = Array.from({ length: size }, () => null);
      for (let i = 0; i < size; i++) crew.hire(i);
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
    for (const [i, worker] of this.workers.entries()) worker.postMessage(command(i));
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

  async end(): Promise<void> {
    const workers = this.workers.splice(0);
    for (const worker of workers) worker.removeAllListeners();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  private hire(i: number): void {
    const { slots, threads } = this.program;
    const machines = this.program.world.slots.map(({ part: { machine } }) => machine);
    const workerData: Outfit = {
      worker: i,
      control: this.control,
      shape: { slots, threads, tableOf: machines.map((machine) => machines.indexOf(machine)), initial: this.program.initial() },
      predicates: this.oracle.predicates,
    };
    const worker = new Worker(ENTRY, { workerData });
    // Nobody is kept from leaving by a search that is not looked at any more.
    worker.unref();
    worker.on('message', (message: FromWorker) => this.hear(i, message));
    worker.on('error', (error) => this.fail(error));
    worker.on('exit', () => this.fail(new InternalError('a worker of the search has ended before its time')));
    this.workers.push(worker);
    this.known.push(0);
  }

  private hear(i: number, message: FromWorker): void {
    if ('asked' in message) this.answer(i, message.asked);
    else {
      this.replies[i] = message.reply;
      this.wake();
    }
  }

  private answer(i: number, asked: Asked): void {
    if (this.failure !== null) return;
    let verdict: Answered['verdict'] = null;
    try {
      if (asked.ask === 'cell') this.program.nextOf(asked.slot, asked.snapshot, asked.event);
      else if (asked.ask === 'outcome') this.program.knowOutcome(asked.position, asked.way, asked.answer);
      else verdict = this.oracle.verdict(asked.predicate, asked.state, asked.strict);
    } catch (error) {
      this.fail(error);
      return;
    }
    const answered: Answered = { log: this.since(asked.known), verdict };
    this.known[i] = this.program.log.length;
    this.workers[i]?.postMessage(answered);
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
