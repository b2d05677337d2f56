/** A thread that explores one edited variant after the other. */
import type { SourceMapPayload } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { Known, Survey, Trial } from '../edits/element.ts';
import { survey, type TrialLimits, tryWith } from '../edits/trial.ts';
import type { Edit } from '../model/edit.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { bundleMaps } from './load-file.ts';
import { scenarioOf, type WhichScenario } from './worker-scenario.ts';

export interface Order extends WhichScenario {
  readonly asked:
    | { readonly what: 'survey'; readonly variant: string }
    | { readonly what: 'trial'; readonly known: Known; readonly edits: readonly Edit[] };
  readonly limits: TrialLimits;
  /** Not zero once it is to stop. */
  readonly stop: Int32Array;
}

export type Report =
  | { readonly type: 'result'; readonly result: Survey | Trial; readonly maps: readonly (readonly [string, SourceMapPayload])[] }
  | { readonly type: 'error'; readonly isTheirs: boolean; readonly message: string; readonly next: string | null };

async function answer(order: Order): Promise<Survey | Trial> {
  const { asked, limits, stop } = order;
  const scenario = await scenarioOf(order);
  const reason = () => (Atomics.load(stop, 0) === 0 ? null : 'interrupted');
  return asked.what === 'survey'
    ? survey(scenario, asked.variant, limits, reason)
    : tryWith(scenario, asked.known, asked.edits, limits, reason);
}

const tell = (report: Report): void => parentPort?.postMessage(report);

parentPort?.on('message', (order: Order) => {
  answer(order)
    .then((result) => tell({ type: 'result', result, maps: [...bundleMaps] }))
    .catch((error: unknown) => {
      const isTheirs = error instanceof ModelError;
      tell({ type: 'error', isTheirs, message: messageOf(error), next: isTheirs ? error.next : null });
    });
});
