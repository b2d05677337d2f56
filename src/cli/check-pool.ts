/** Checks several variants side by side, each in a thread of its own: as many at a time as there are cores. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import type { CheckResult } from '../check/check.ts';
import type { Scenario } from '../model/scenario.ts';
import { checkJob, type JobHooks, type JobOptions } from './check-job.ts';
import type { Order, Report } from './check-worker.ts';
import { bundleMaps } from './load-file.ts';
import { errorOf } from './worker-failure.ts';
import { type Heard, WorkerThreads } from './worker-threads.ts';

export interface Job {
  readonly scenario: Scenario;
  /** Absolute. */
  readonly file: string;
  /** It is found by its name; else by its file. */
  readonly shipped: boolean;
  readonly variant: string;
}

export interface Watch extends JobHooks {
  onBegin(): void;
}

/** To start a thread costs as much as to check a small variant. */
const FEW = 3;
const STOP_LOOKS_MS = 100;

export class CheckPool {
  private readonly options: JobOptions;
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly threads = new WorkerThreads<Order, Report>(new URL('./check-worker.js', import.meta.url));
  private readonly isAlone: boolean;

  /** @param atOnce how many at a time; null for as many as there are cores */
  constructor(jobs: number, atOnce: number | null, options: JobOptions) {
    const threads = Math.min(jobs, atOnce ?? availableParallelism());
    this.isAlone = threads === 1 || (atOnce === null && jobs <= FEW);
    this.limit = pLimit(this.isAlone ? 1 : threads);
    this.options = options;
  }

  /** @returns null where it was to stop before it began */
  check(job: Job, watch: Watch): Promise<CheckResult | null> {
    return this.limit(() => {
      if (watch.reason() !== null) return null;
      watch.onBegin();
      return this.isAlone ? checkJob(job.scenario, job.variant, this.options, watch) : this.elsewhere(job, watch);
    });
  }

  close(): Promise<void> {
    return this.threads.close();
  }

  private async elsewhere({ scenario, ...job }: Job, watch: Watch): Promise<CheckResult> {
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const looks = setInterval(() => {
      if (watch.reason() !== null) Atomics.store(stop, 0, 1);
    }, STOP_LOOKS_MS);
    try {
      const order: Order = { ...job, scenario: scenario.name, options: this.options, stop };
      return { ...(await this.threads.ask(order, (report) => heardBy(watch, report))), scenario };
    } finally {
      clearInterval(looks);
    }
  }
}

function heardBy(watch: Watch, report: Report): Heard<Omit<CheckResult, 'scenario'>> {
  if (report.type === 'progress' || report.type === 'warning') {
    if (report.type === 'progress') watch.onProgress(report.progress);
    else watch.warn(report.lines);
    return null;
  }
  for (const [path, map] of report.maps) bundleMaps.set(path, map);
  if (report.type === 'error') throw errorOf(report);
  return { answer: report.result };
}
