/** Covers variants in a thread of its own, one after the other: kernel code is counted from before it is loaded. */
import { parentPort } from 'node:worker_threads';
import { coverVariant, type VariantCoverage } from '../coverage/coverage.ts';
import type { CodeFile } from '../coverage/merge.ts';
import { Recorder } from '../coverage/recorder.ts';
import type { Progress } from '../explore/found.ts';
import { variantNamed } from './find.ts';
import { codeFilesOf, isKernelCode } from './kernel-code.ts';
import { type Failure, failureOf } from './worker-failure.ts';
import { scenarioOf, type WhichScenario } from './worker-scenario.ts';

export interface CoverOrder extends WhichScenario {
  readonly variant: string;
  readonly maxStates: number;
  /** Not zero once the search is to stop. */
  readonly stop: Int32Array;
}

export type CoverReport =
  | { readonly type: 'progress'; readonly progress: Omit<Progress, 'checkpoint'> }
  | { readonly type: 'result'; readonly coverage: VariantCoverage; readonly code: readonly CodeFile[] }
  | ({ readonly type: 'error' } & Failure);

const tell = (report: CoverReport): void => parentPort?.postMessage(report);

const recorder = new Recorder();
const ready = recorder.start();

async function cover(order: CoverOrder): Promise<void> {
  await ready;
  const scenario = await scenarioOf(order);
  const variant = variantNamed(scenario, order.variant);
  const search = coverVariant(scenario, order.variant, variant, order.maxStates);
  let turn = search.next();
  while (!turn.done) {
    const { states, traces, depth, share } = turn.value;
    tell({ type: 'progress', progress: { states, traces, depth, share } });
    turn = search.next(Atomics.load(order.stop, 0) === 0 ? null : 'interrupted');
  }
  tell({ type: 'result', coverage: turn.value, code: codeFilesOf(await recorder.take(isKernelCode)) });
}

parentPort?.on('message', (order: CoverOrder) => {
  cover(order).catch((error: unknown) => tell({ type: 'error', ...failureOf(error) }));
});
