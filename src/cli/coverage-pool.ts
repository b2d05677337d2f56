/** Covers several variants side by side, each in a thread that has loaded no scenario before it counts. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { Progress } from '../explore/found.ts';
import type { CoverOrder, CoverReport } from './coverage-worker.ts';
import { errorOf } from './worker-failure.ts';
import { type Heard, WorkerThreads } from './worker-threads.ts';

export type CoverResult = Omit<Extract<CoverReport, { type: 'result' }>, 'type'>;

export interface CoverWatch {
  onBegin(): void;
  onProgress(progress: Progress): void;
}

export class CoveragePool {
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly threads = new WorkerThreads<CoverOrder, CoverReport>(new URL('./coverage-worker.js', import.meta.url));

  /** @param atOnce how many at a time; null for as many as there are cores */
  constructor(jobs: number, atOnce: number | null) {
    this.limit = pLimit(Math.max(1, Math.min(jobs, atOnce ?? availableParallelism())));
  }

  /** @returns null where it was to stop before it began */
  cover(order: CoverOrder, watch: CoverWatch): Promise<CoverResult | null> {
    return this.limit(() => {
      if (Atomics.load(order.stop, 0) !== 0) return null;
      watch.onBegin();
      return this.threads.ask(order, (report) => heardBy(watch, report));
    });
  }

  close(): Promise<void> {
    return this.threads.close();
  }
}

function heardBy(watch: CoverWatch, report: CoverReport): Heard<CoverResult> {
  switch (report.type) {
    case 'progress':
      watch.onProgress(report.progress);
      return null;
    case 'error':
      throw errorOf(report);
    case 'result':
      return { answer: { coverage: report.coverage, code: report.code } };
  }
}
