/** Covers several variants side by side, each in a thread that has loaded no scenario before it counts. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import type { Progress } from '../explore/found.ts';
import { InternalError } from '../model/errors.ts';
import type { CoverOrder, CoverReport } from './coverage-worker.ts';
import { errorOf } from './worker-failure.ts';

export type CoverResult = Omit<Extract<CoverReport, { type: 'result' }>, 'type'>;

export interface CoverWatch {
  onBegin(): void;
  onProgress(progress: Progress): void;
}

export class CoveragePool {
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly idle: Worker[] = [];
  private readonly all: Worker[] = [];

  /** @param atOnce how many at a time; null for as many as there are cores */
  constructor(jobs: number, atOnce: number | null) {
    this.limit = pLimit(Math.max(1, Math.min(jobs, atOnce ?? availableParallelism())));
  }

  /** @returns null where it was to stop before it began */
  cover(order: CoverOrder, watch: CoverWatch): Promise<CoverResult | null> {
    return this.limit(async () => {
      if (Atomics.load(order.stop, 0) !== 0) return null;
      watch.onBegin();
      const worker = this.idle.pop() ?? this.start();
      try {
        return await answerTo(worker, order, watch);
      } finally {
        this.idle.push(worker);
      }
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.terminate()));
  }

  private start(): Worker {
    const worker = new Worker(new URL('./coverage-worker.js', import.meta.url));
    this.all.push(worker);
    return worker;
  }
}

function answerTo(worker: Worker, order: CoverOrder, watch: CoverWatch): Promise<CoverResult> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', hear).off('error', fail).off('exit', ended);
      act();
    };
    const fail = (error: unknown) => settle(() => reject(error instanceof Error ? error : new InternalError(String(error))));
    const ended = (code: number) => fail(new InternalError(`a thread of the checker ended by itself (${code})`));
    const hear = (report: CoverReport) => {
      if (report.type === 'progress') watch.onProgress(report.progress);
      else if (report.type === 'error') fail(errorOf(report));
      else settle(() => resolve({ coverage: report.coverage, code: report.code }));
    };
    worker.on('message', hear).once('error', fail).once('exit', ended);
    worker.postMessage(order);
  });
}
