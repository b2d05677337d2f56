/** Threads that carry out one order after the other: one that has answered is there for the next. */
import { Worker } from 'node:worker_threads';
import { InternalError } from '../model/errors.ts';

/** What a report is to who waits: the answer, or nothing yet. What is thrown while it is heard goes to who waits. */
export type Heard<A> = { readonly answer: A } | null;

/** @typeParam O what a thread is told @typeParam R what it reports, as often as it likes before it answers */
export class WorkerThreads<O, R> {
  private readonly code: URL;
  private readonly idle: Worker[] = [];
  private readonly all: Worker[] = [];

  /** @param code the built file that they run, which answers messages */
  constructor(code: URL) {
    this.code = code;
  }

  async ask<A>(order: O, hear: (report: R) => Heard<A>): Promise<A> {
    const worker = this.idle.pop() ?? this.start();
    try {
      return await answerTo(worker, order, hear);
    } finally {
      this.idle.push(worker);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.terminate()));
  }

  private start(): Worker {
    const worker = new Worker(this.code);
    this.all.push(worker);
    return worker;
  }
}

function answerTo<O, R, A>(worker: Worker, order: O, hear: (report: R) => Heard<A>): Promise<A> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', listen).off('error', fail).off('exit', ended);
      act();
    };
    const fail = (error: unknown) => settle(() => reject(error instanceof Error ? error : new InternalError(String(error))));
    const ended = (code: number) => fail(new InternalError(`a thread of the checker ended by itself (${code})`));
    const listen = (report: R) => {
      try {
        const heard = hear(report);
        if (heard !== null) settle(() => resolve(heard.answer));
      } catch (error) {
        fail(error);
      }
    };
    worker.on('message', listen).once('error', fail).once('exit', ended);
    worker.postMessage(order);
  });
}
