/**
 * A fault and the steps that lead to it become a finding: confirmed on the live actors, with its racing pair, its id and
 * what a kernel would say. Whoever met the fault, a search or a single run, gets the same finding.
 */
import { createHash } from 'node:crypto';
import { countPreemptions } from '../explore/best-search.ts';
import type { Fault, Judge } from '../explore/judge.ts';
import type { Choice } from '../explore/plain-search.ts';
import { findSymptom } from '../explore/symptom.ts';
import type { Expectation, Scenario, Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { type RacingPair, pairOfState, pairOfStep, pairOfStuck } from '../trace/racing-pair.ts';
import { runsOf } from '../trace/schedule.ts';
import type { Trace } from '../trace/trace.ts';
import { confirm } from './confirm.ts';
import type { Finding } from './finding.ts';

/** One variant of a scenario as tables, with its judge. */
export interface Subject {
  readonly scenario: Scenario;
  readonly name: string;
  readonly variant: Variant;
  readonly program: Program;
  readonly judge: Judge;
}

/** A way to a fault. */
export interface Met {
  readonly fault: Fault;
  readonly choices: readonly Choice[];
  /** The last of the choices raised it; else the state after them is itself wrong. */
  readonly byStep: boolean;
  readonly proven: boolean;
}

export async function describe({ scenario, name, variant, program, judge }: Subject, met: Met): Promise<Finding> {
  const { fault, choices } = met;
  const { live, state } = await confirm(program, variant, choices);
  const pair = pairOf(live, fault, met.byStep, program);
  const id = idOf(scenario, name, fault, pair);
  return {
    kind: fault.kind,
    id,
    expected: variant.expect.some((expectation) => meets({ kind: fault.kind, object: fault.object, pair }, expectation)),
    message: sentence(fault),
    object: fault.object,
    threads: program.world.threads
      .map((thread) => thread.name)
      .filter((thread) => live.steps.some((step) => step.thread === thread)),
    pair,
    preemptions: countPreemptions(program, choices),
    proven: met.proven,
    schedule: { scenario: scenario.name, variant: name, finding: id, ...runsOf(live) },
    trace: live,
    loopFrom: null,
    fault,
    symptom: fault.prints === null ? findSymptom(program, judge, state) : null,
  };
}

export const meets = ({ kind, object, pair }: Pick<Finding, 'kind' | 'object' | 'pair'>, expectation: Expectation): boolean =>
  kind === expectation.kind &&
  object === expectation.object &&
  (expectation.between === undefined || JSON.stringify(pair.between) === JSON.stringify(expectation.between));

function pairOf(trace: Trace, fault: Fault, byStep: boolean, program: Program): RacingPair {
  const paths = fault.reads.map((slot) => program.world.slots[slot]?.path ?? '');
  if (byStep) return pairOfStep(trace, fault.kind, paths);
  if (fault.sites.length === 0) return pairOfState(trace, paths);
  return pairOfStuck(trace.standing.filter(({ thread }) => fault.sites.some((site) => site.thread === thread)));
}

export function idOf(scenario: Scenario, variant: string, fault: Fault, { between }: RacingPair): string {
  const sites = fault.sites.map((site) => [site.function, site.event, site.object]);
  const text = JSON.stringify([scenario.name, variant, fault.kind, fault.object, fault.text, sites, between]);
  return `${fault.kind}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

function sentence({ kind, object, text, sites }: Fault): string {
  const [site] = sites;
  const where = site === undefined || sites.length > 1 ? '' : ` in ${site.function}()`;
  return kind === 'deadlock' ? `Deadlock: ${text}` : `${object}: ${text}${where}`;
}
