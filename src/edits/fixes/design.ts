/** A design as it stands, or as it is edited, in all by which the two are compared. */
import { decode } from '../../../actors/step.ts';
import { type CheckResult, checkVariant, drive, variantOf } from '../../check/check.ts';
import type { Finding } from '../../check/finding.ts';
import { searchBy, USUALLY } from '../../check/strategy.ts';
import type { Fault } from '../../explore/judge.ts';
import { racesIn } from '../../explore/races/sweep.ts';
import { lockEdges } from '../../locks/lock-edges.ts';
import { isOk, type Scenario, type Variant } from '../../model/scenario.ts';
import { Program } from '../../tables/program.ts';
import { Flow } from '../flow.ts';

export interface Effort {
  readonly maxStates: number;
  /** Why to stop; null to go on. */
  readonly reason: () => string | null;
}

export interface Base {
  readonly scenario: Scenario;
  readonly name: string;
  readonly variant: Variant;
  readonly flow: Flow;
  /** Its search was not cut. */
  readonly isWhole: boolean;
  /** What comes first on some run, by its key. */
  readonly faults: ReadonlyMap<string, Fault>;
  /** What there are data races for: whatever comes before them. */
  readonly races: ReadonlySet<string>;
  /** What callers get. */
  readonly got: ReadonlySet<string>;
  readonly orders: ReadonlySet<string>;
  /** What a check finds in it. */
  readonly findings: () => Promise<Found>;
}

interface Found {
  readonly first: readonly Finding[];
  /** Of those that come first, and of all. */
  readonly names: ReadonlySet<string>;
  readonly any: ReadonlySet<string>;
}

export async function baseOf(scenario: Scenario, name: string, effort: Effort): Promise<Base> {
  const variant = variantOf(scenario, name);
  const { program, cut, faults, races } = await exploreDesign(variant, effort);
  let findings: Promise<Found> | null = null;
  return {
    scenario,
    name,
    variant,
    flow: new Flow(program),
    isWhole: cut === null,
    faults,
    races,
    got: whatCallersGet(program),
    orders: ordersIn(program),
    findings: () => (findings ??= findingsIn(scenario, name, effort)),
  };
}

async function findingsIn(scenario: Scenario, name: string, effort: Effort): Promise<Found> {
  const { findings, consequences } = await checkDesign(scenario, name, effort);
  const first = findings.filter((one) => !isNoClaim(one));
  return { first, names: new Set(first.map(nameOf)), any: new Set([...first, ...consequences].map(nameOf)) };
}

/** Told apart by where it comes up, not by the schedule: the same before and after an edit. */
export const nameOf = ({ kind, object, fault }: Finding): string => {
  const sites = fault.sites.map((site) => `${site.function}:${site.event}`).toSorted();
  return [kind, object, ...(sites.length === 0 ? [fault.text] : sites)].join(' ');
};

/** That something is not reached is no fault of the code: with a race closed, the race is not reached. */
export const isNoClaim = ({ kind }: Pick<Finding, 'kind'>): boolean => kind === 'never-reached';

/** With all that a check looks for, and no pains taken with counterexamples. */
export const checkDesign = (scenario: Scenario, name: string, { maxStates, reason }: Effort): Promise<CheckResult> =>
  checkVariant(scenario, name, { maxStates, shrink: false, nodesForBest: 0, onProgress: reason });

/** Only the states, and what is wrong with them: enough to see that a change is none for the better. */
export async function exploreDesign(variant: Variant, { maxStates, reason }: Effort) {
  const program = new Program(variant);
  const { found, ends } = await drive(searchBy(USUALLY, program, variant, { maxStates }), reason);
  const met = ends === null ? [] : await drive(racesIn(ends), reason);
  const races = new Set(met.map(({ fault }) => found.judge.faults[fault]?.object ?? ''));
  const first = found.sightings.filter(({ primary }) => primary);
  const texts = first.map(({ fault }) => [found.judge.keyOf(fault), found.judge.faults[fault] as Fault] as const);
  return { program, cut: found.cut, faults: new Map(texts), races };
}

/**
 * What callers get: that a call returns, and that its result is a success. A change that takes one of these away mends
 * nothing: it only keeps the code from running.
 */
export function whatCallersGet({ positions, world }: Program): ReadonlySet<string> {
  const got = new Set<string>();
  for (const { thread, root } of positions) {
    const name = world.threads[thread]?.name ?? '';
    for (let call = 0; call < root.call; call++) got.add(`${name} returns from its call ${call + 1}`);
    for (const [local, value] of Object.entries(root.locals)) if (isOk(decode(value))) got.add(`${name} has "${local}"`);
  }
  return got;
}

export const ordersIn = (program: Program): ReadonlySet<string> =>
  new Set(lockEdges(program).map(({ from, to }) => `${from.name} outside ${to.name}`));
