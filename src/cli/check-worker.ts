/** Checks variants in a thread of its own, one after the other, as it is told. See `check-pool.ts`. */
import type { SourceMapPayload } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { CheckResult } from '../check/check.ts';
import type { Progress } from '../explore/found.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { checkJob, type JobOptions } from './check-job.ts';
import { bundleMaps } from './load-file.ts';
import { scenarioOf } from './worker-scenario.ts';

/** What is to be checked: a scenario goes by its name, for its functions cannot be sent. */
export interface Order {
  readonly file: string;
  readonly shipped: boolean;
  readonly scenario: string;
  readonly variant: string;
  readonly options: JobOptions;
  /** Not zero once the search is to stop. */
  readonly stop: Int32Array;
}

/** Where the built code of a user's files comes from: places in results and in complaints are said of the source. */
type Maps = readonly (readonly [string, SourceMapPayload])[];

export type Report =
  | { readonly type: 'progress'; readonly progress: Omit<Progress, 'checkpoint'> }
  | { readonly type: 'warning'; readonly lines: readonly string[] }
  | { readonly type: 'result'; readonly result: Omit<CheckResult, 'scenario'>; readonly maps: Maps }
  | {
      readonly type: 'error';
      readonly isTheirs: boolean;
      readonly message: string;
      readonly next: string | null;
      readonly stack: string;
      readonly maps: Maps;
    };

const EVERY_MS = 100;

const tell = (report: Report): void => parentPort?.postMessage(report);

async function check(order: Order): Promise<void> {
  const scenario = await scenarioOf(order);
  let last = performance.now();
  const { scenario: _, ...result } = await checkJob(scenario, order.variant, order.options, {
    onProgress: ({ states, traces, depth, share }) => {
      const now = performance.now();
      if (now - last < EVERY_MS) return;
      last = now;
      tell({ type: 'progress', progress: { states, traces, depth, share } });
    },
    reason: () => (Atomics.load(order.stop, 0) === 0 ? null : 'interrupted'),
    warn: (lines) => tell({ type: 'warning', lines }),
  });
  tell({ type: 'result', result, maps: [...bundleMaps] });
}

parentPort?.on('message', (order: Order) => {
  check(order).catch((error: unknown) => {
    const isTheirs = error instanceof ModelError;
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    tell({
      type: 'error',
      isTheirs,
      message: messageOf(error),
      next: isTheirs ? error.next : null,
      stack,
      maps: [...bundleMaps],
    });
  });
});
