/** A thread that explores one edited variant after the other. */
import type { SourceMapPayload } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { Finding } from '../check/finding.ts';
import type { Known, Survey, Trial } from '../edits/element.ts';
import type { Candidate } from '../edits/fixes/candidate.ts';
import type { Fix } from '../edits/fixes/fix.ts';
import { Verifier } from '../edits/fixes/verify.ts';
import { survey, type TrialLimits, tryWith } from '../edits/trial.ts';
import type { Edit } from '../model/edit.ts';
import { bundleMaps } from './load-file.ts';
import type { Scenario } from '../model/scenario.ts';
import { type Failure, failureOf } from './worker-failure.ts';
import { neighboursOf, scenarioOf, type WhichScenario } from './worker-scenario.ts';

export interface Order extends WhichScenario {
  readonly asked:
    | { readonly what: 'survey'; readonly variant: string }
    | { readonly what: 'trial'; readonly known: Known; readonly edits: readonly Edit[] }
    | { readonly what: 'candidates'; readonly variant: string; readonly finding: Finding }
    | { readonly what: 'fix'; readonly variant: string; readonly finding: Finding; readonly candidate: Candidate };
  readonly limits: TrialLimits;
  /** Not zero once it is to stop. */
  readonly stop: Int32Array;
}

export type Answer = Survey | Trial | readonly Candidate[] | Fix | null;

/** Where the built code of a user's files comes from. */
type Maps = readonly (readonly [string, SourceMapPayload])[];

export type Report =
  | { readonly type: 'result'; readonly result: Answer; readonly maps: Maps }
  | ({ readonly type: 'error'; readonly maps: Maps } & Failure);

async function answer(order: Order): Promise<Answer> {
  const { asked, limits, stop } = order;
  const scenario = await scenarioOf(order);
  const reason = () => (Atomics.load(stop, 0) === 0 ? null : 'interrupted');
  switch (asked.what) {
    case 'survey':
      return survey(scenario, asked.variant, limits, reason);
    case 'trial':
      return tryWith(scenario, asked.known, asked.edits, limits, reason);
    case 'candidates':
      return (await verifierOf(order, reason)).candidates(asked.variant, asked.finding);
    case 'fix':
      return (await verifierOf(order, reason)).verify(asked.variant, asked.finding, asked.candidate);
  }
}

/** It knows the designs that it has looked at: asked for the same scenario again, it does not begin anew. */
let verifier: { readonly of: Scenario; readonly is: Verifier } | null = null;

async function verifierOf(order: Order, reason: () => string | null): Promise<Verifier> {
  const of = await scenarioOf(order);
  if (verifier?.of !== of)
    verifier = { of, is: new Verifier(of, await neighboursOf(order), { maxStates: order.limits.maxStates, reason }) };
  return verifier.is;
}

const tell = (report: Report): void => parentPort?.postMessage(report);

parentPort?.on('message', (order: Order) => {
  answer(order)
    .then((result) => tell({ type: 'result', result, maps: [...bundleMaps] }))
    .catch((error: unknown) => tell({ type: 'error', ...failureOf(error), maps: [...bundleMaps] }));
});
