/**
 * A fault and the steps that lead to it become a finding: confirmed on the live actors, with its racing pair, its id and
 * what a kernel would say. Whoever met the fault, a search or a single run, gets the same finding.
 */
import { createHash } from 'node:crypto';
import { countPreemptions } from '../explore/best-search.ts';
import type { Fault, Judge } from '../explore/judge.ts';
import type { Choice } from '../explore/choice.ts';
import { racesOn } from '../explore/races/on-run.ts';
import { findSymptom } from '../explore/symptom.ts';
import { editsOf } from '../model/edit-variant.ts';
import { InternalError } from '../model/errors.ts';
import { whatIsLeftOut } from '../model/leave-out.ts';
import type { Expectation, Scenario, Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { type RacingPair, pairOfKept, pairOfState, pairOfStep, pairOfStuck, pairOfUnordered } from '../trace/racing-pair.ts';
import { runsOf, type Schedule } from '../trace/schedule.ts';
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

/** The fault as it shows at the end of this way: a race, by the two who make it there. */
export function asMet(
  { program, judge }: Subject,
  { fault, choices, byStep }: Pick<Met, 'choices' | 'byStep'> & { readonly fault: number },
): Fault {
  if (judge.faults[fault]?.kind === 'data-race') racesOn(program, judge, choices);
  return judge.asMet(fault, choices, byStep);
}

export async function describe(subject: Subject, { fault, choices, byStep, proven }: Met): Promise<Finding> {
  const { program, judge, variant } = subject;
  const { live, state } = await confirm(program, variant, choices);
  const pair = fault.kind === 'data-race' ? pairOfRace(subject, live, fault, choices) : pairOf(live, fault, byStep, program);
  const name = named(subject, fault, pair);
  return {
    ...name,
    threads: moversIn(program, live),
    preemptions: countPreemptions(program, choices),
    proven,
    schedule: scheduleOf(subject, name.id, live, null),
    trace: live,
    loopFrom: null,
    without: whatIsLeftOut(variant),
    symptom: fault.prints === null ? findSymptom(program, judge, state) : null,
    order: null,
    serial: null,
  };
}

/** A fault with its racing pair: enough to tell whether the scenario expects it. */
export function named(
  { scenario, name, variant }: Pick<Subject, 'scenario' | 'name' | 'variant'>,
  fault: Fault,
  pair: RacingPair,
) {
  const { kind, object } = fault;
  return {
    kind,
    id: idOf(scenario, name, fault, pair),
    expected: variant.expect.some((expectation) => meets({ kind, object, pair }, expectation)),
    message: sentence(fault),
    object,
    pair,
    fault,
  };
}

/** @param loopFrom the step, from 1, at which the loop begins that has no end */
export const scheduleOf = (
  { scenario, name, variant }: Pick<Subject, 'scenario' | 'name' | 'variant'>,
  finding: string | null,
  trace: Pick<Trace, 'steps'>,
  loopFrom: number | null,
): Schedule => {
  const edits = editsOf(variant);
  return {
    scenario: scenario.name,
    variant: name,
    finding,
    without: whatIsLeftOut(variant),
    ...(edits.length === 0 ? {} : { edits }),
    ...runsOf(trace, loopFrom),
  };
};

export const meets = ({ kind, object, pair }: Pick<Finding, 'kind' | 'object' | 'pair'>, expectation: Expectation): boolean =>
  kind === expectation.kind &&
  object === expectation.object &&
  (expectation.between === undefined || JSON.stringify(pair.between) === JSON.stringify(expectation.between));

export const moversIn = (program: Program, trace: Trace): readonly string[] =>
  program.world.threads.map((thread) => thread.name).filter((thread) => trace.steps.some((step) => step.thread === thread));

/** The race is of the last step and another, which may be long past. */
function pairOfRace({ program, judge }: Subject, trace: Trace, { id }: Fault, choices: readonly Choice[]): RacingPair {
  const race = racesOn(program, judge, choices).findLast(({ fault, at }) => fault === id && at === choices.length - 1);
  const [earlier, last] = [trace.steps[race?.earlier ?? -1], trace.steps.at(-1)];
  if (earlier === undefined || last === undefined) throw new InternalError('A data race is not made by the way to it');
  return pairOfUnordered(earlier, last);
}

function pairOf(trace: Trace, fault: Fault, byStep: boolean, program: Program): RacingPair {
  const paths = fault.reads.map((slot) => program.world.slots[slot]?.path ?? '');
  if (fault.kind === 'sleep-in-atomic' || fault.kind === 'lock-held-at-exit') return pairOfKept(trace, fault);
  if (byStep) return pairOfStep(trace, fault.kind, paths);
  if (fault.sites.length === 0) return pairOfState(trace, paths);
  return pairOfStuck(trace.standing.filter(({ thread }) => fault.sites.some((site) => site.thread === thread)));
}

function idOf(scenario: Scenario, variant: string, fault: Fault, { between }: RacingPair): string {
  const sites = fault.sites.map((site) => [site.function, site.event, site.object]);
  const text = JSON.stringify([scenario.name, variant, fault.kind, fault.object, fault.text, sites, between]);
  return `${fault.kind}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

function sentence({ kind, object, text, sites }: Fault): string {
  if (kind === 'sleep-in-atomic') {
    const [site] = sites;
    return `${site?.function ? `${site.function}()` : site?.thread} may sleep in ${site?.event}() ${text}`;
  }
  if (kind === 'starvation' || kind === 'hung-task') return `${object}: ${text}`;
  if (kind === 'never-reached') return `"${object}": ${text}`;
  const [site] = sites;
  if (object === site?.function) return `${kind === 'bug' ? 'BUG' : 'WARN'} in ${site.function}(): ${text}`;
  const where = site === undefined || sites.length > 1 ? '' : ` in ${site.function}()`;
  return kind === 'deadlock' ? `Deadlock: ${text}` : `${object}: ${text}${where}`;
}
