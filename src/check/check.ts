/** Checks one variant: explores it, finds the best counterexample of each fault, confirms it, and compares with what is expected. */
import { setImmediate } from 'node:timers/promises';
import type { Kind } from '../../machines/object.ts';
import { type Counterexample, findBest, type Goal } from '../explore/best-search.ts';
import { type Fault, SEARCHED } from '../explore/judge.ts';
import type { Progress, Sighting } from '../explore/found.ts';
import { type Explored, explore, type Limits } from '../explore/plain-search.ts';
import { type Lasso, findLassos } from '../explore/liveness.ts';
import { endsOf } from '../explore/serial-ends.ts';
import { ModelError } from '../model/errors.ts';
import type { Expectation, Scenario, Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import { describe, meets, named, type Subject } from './describe.ts';
import { describeEndless } from './endless.ts';
import type { Finding } from './finding.ts';
import { checkSerial, type SerialVerdict, wasCompared } from './serial.ts';
import { type Effort, shrink } from './shrink.ts';

export type Outcome = 'as-expected' | 'unexpected' | 'missing' | 'cut';

export interface CheckResult {
  readonly scenario: Scenario;
  readonly variant: string;
  readonly outcome: Outcome;
  readonly exhaustive: boolean;
  readonly cut: string | null;
  readonly searched: readonly Kind[];
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly consequences: readonly Finding[];
  /** What was expected, in the findings or after them, and did not come. */
  readonly missing: readonly Expectation[];
  readonly sometimes: Explored['sometimes'];
  readonly questions: number;
  /** The comparison with orders of whole operations; null where the scenario does not ask for it. */
  readonly serial: SerialVerdict | null;
}

export interface CheckOptions extends Limits {
  /** Asked for now and then, also while counterexamples are made better (null); a reason makes the search stop there. */
  readonly onProgress?: (progress: Progress | null) => string | null;
  /** Leave out of each counterexample the calls that it does not need; unless it is false. */
  readonly shrink?: boolean;
}

const NODES_FOR_BEST = 4_000_000;
const LEAST_NODES_FOR_SHRINKING = 5000;

export async function checkVariant(scenario: Scenario, name: string, options: CheckOptions): Promise<CheckResult> {
  const began = performance.now();
  const variant = variantOf(scenario, name);
  const program = new Program(variant);
  const explored = await drive(explore(program, variant, options), options);
  const subject: Subject = { scenario, name, variant, program, judge: explored.judge };
  const findings: Finding[] = [];
  const consequences: Finding[] = [];
  const after = variant.leadsToNothing ? findings : consequences;
  const best = await bestOf(subject, explored, options);
  const effort = shrinkingEffort(explored, options);
  for (const sighting of explored.sightings) {
    const finding = await findingOf(subject, explored, sighting, best, effort);
    const list = sighting.primary ? findings : after;
    if (!list.some(({ id }) => id === finding.id)) list.push(finding);
  }
  for (const lasso of best.lassos) {
    const finding = await endless(subject, explored, lasso, best);
    if (!findings.some(({ id }) => id === finding.id)) findings.push(finding);
  }
  for (const lasso of best.lassosAfter) {
    const finding = await endlessAfter(subject, explored, lasso, best);
    if (![...findings, ...consequences].some(({ id }) => id === finding.id)) after.push(finding);
  }
  const limits = { maxStates: options.maxStates, nodesForBest: NODES_FOR_BEST, exhaustive: explored.cut === null };
  const serial = await checkSerial(subject, endsOf(explored), limits, (search) => drive(search, options));
  findings.push(...(serial?.findings ?? []));
  const cut = explored.cut ?? serial?.verdict.cut ?? null;
  if (explored.cut === null)
    for (const { name: wanted, reached } of explored.sometimes) if (!reached) findings.push(neverReached(subject, wanted));
  const missing = [
    ...variant.expect.filter((expectation) => !findings.some((finding) => meets(finding, expectation))),
    ...variant.leadsTo.filter((expectation) => ![...consequences, ...findings].some((finding) => meets(finding, expectation))),
  ];
  return {
    scenario,
    variant: name,
    outcome: outcomeOf(findings, missing, cut),
    exhaustive: cut === null,
    cut,
    searched: [...searchedIn(variant, explored), ...(wasCompared(serial) ? (['non-serialisable'] as const) : [])],
    states: explored.states,
    steps: explored.steps,
    depth: explored.depth,
    seconds: (performance.now() - began) / 1000,
    findings,
    consequences,
    missing,
    sometimes: explored.sometimes,
    questions: program.learned.questions,
    serial: serial?.verdict ?? null,
  };
}

/** Schedules are separated by white space, and a slash parts the two names. @throws ModelError */
export function variantOf(scenario: Scenario, name: string): Variant {
  for (const [what, said] of [
    ['scenario', scenario.name],
    ['variant', name],
  ] as const)
    if (!/^[^\s/]+$/.test(said)) throw new ModelError(`"${said}" cannot be the name of a ${what}`, 'no white space and no "/"');
  const variant = scenario.variants[name];
  if (variant !== undefined) return variant;
  throw new ModelError(
    `Scenario "${scenario.name}" has no variant "${name}"`,
    `variants: ${Object.keys(scenario.variants).join(', ')}`,
  );
}

/** Lets everything else go on between two turns of the search: signals, the progress line. */
async function drive<R>(search: Generator<Progress | null, R, string | null>, { onProgress }: CheckOptions): Promise<R> {
  let turn = search.next();
  while (!turn.done) {
    await setImmediate();
    turn = search.next(onProgress?.(turn.value) ?? null);
  }
  return turn.value;
}

/** What holds at the end was searched for where some run came to an end. */
const searchedIn = (variant: Variant, { cut, judge }: Explored): readonly Kind[] => [
  ...SEARCHED,
  ...(cut === null ? (['hung-task', 'starvation'] as const) : []),
  ...(Object.keys(variant.always).length > 0 ? (['invariant'] as const) : []),
  ...(judge.reachedEnd && Object.keys(variant.atEnd).length > 0 ? (['end-state'] as const) : []),
  ...(judge.reachedEnd && Object.keys(variant.leaks).length > 0 ? (['leak'] as const) : []),
  ...(Object.keys(variant.sometimes).length > 0 ? (['never-reached'] as const) : []),
];

function outcomeOf(findings: readonly Finding[], missing: readonly Expectation[], cut: string | null): Outcome {
  if (findings.some(({ expected }) => !expected)) return 'unexpected';
  if (cut !== null) return 'cut';
  return missing.length > 0 ? 'missing' : 'as-expected';
}

/** The best ways to what was found, in two searches: to what comes first on a way, and to what comes after. */
interface BestOf {
  readonly faults: ReadonlyMap<number, Counterexample>;
  readonly lassos: readonly Lasso[];
  readonly lassosAfter: readonly Lasso[];
  readonly ways: ReadonlyMap<Lasso, Counterexample>;
}

async function bestOf({ program, judge }: Subject, explored: Explored, options: CheckOptions): Promise<BestOf> {
  const { visited, sightings } = explored;
  const faults = new Map<number, Counterexample>();
  const ways = new Map<Lasso, Counterexample>();
  const search = async (primary: boolean, lassos: readonly Lasso[]) => {
    const seen = sightings.filter((sighting) => sighting.primary === primary);
    const goals: readonly Goal[] = [
      ...seen.map(({ fault }) => ({ fault: judge.keyOf(fault) })),
      ...lassos.map(({ states }) => ({ state: (state: Int32Array) => states.has(visited.numberOf(state)) })),
    ];
    if (goals.length === 0) return;
    const { found } = await drive(findBest(program, judge, goals, { primary, maxNodes: NODES_FOR_BEST }), options);
    for (const [i, best] of found.entries()) {
      if (best === null) continue;
      const [sighting, lasso] = [seen[i], lassos[i - seen.length]];
      if (sighting !== undefined) faults.set(sighting.fault, best);
      else if (lasso !== undefined) ways.set(lasso, best);
    }
  };
  const lassos = findLassos(explored, 'before any finding');
  await search(true, lassos);
  const lassosAfter = findLassos(explored, 'after a finding');
  await search(false, lassosAfter);
  return { faults, lassos, lassosAfter, ways };
}

async function findingOf(
  subject: Subject,
  explored: Explored,
  sighting: Sighting,
  { faults }: BestOf,
  effort: Effort,
): Promise<Finding> {
  const best = faults.get(sighting.fault);
  const { byStep } = sighting;
  const choices = best?.choices ?? sighting.way();
  const fault = subject.judge.asMet(sighting.fault, choices, byStep);
  const met = { fault, choices, byStep, proven: best?.proven === true && explored.cut === null };
  const finding = await describe(subject, met);
  return sighting.primary && best !== undefined ? shrink(subject, finding, met, effort) : finding;
}

/** All that is left out of a variant's findings may cost as many states as the variant has, and where it has few some more. */
const shrinkingEffort = (explored: Explored, options: CheckOptions): Effort => ({
  nodes: options.shrink === false ? 0 : Math.max(LEAST_NODES_FOR_SHRINKING, explored.states),
  run: (search) => drive(search, options),
  isStopped: () => (options.onProgress?.(null) ?? null) !== null,
});

/** A lasso: the way with the fewest preemptions to its loop, and the loop once round. */
function endless(subject: Subject, explored: Explored, lasso: Lasso, { ways }: BestOf): Promise<Finding> {
  const { visited } = explored;
  const prefix = ways.get(lasso)?.choices ?? explored.pathTo(Math.min(...lasso.states));
  return describeEndless(subject, lasso, prefix, (state) => lasso.loopFrom(visited.numberOf(state)));
}

/** The same after a finding. */
function endlessAfter(subject: Subject, explored: Explored, lasso: Lasso, { ways }: BestOf): Promise<Finding> {
  const prefix = ways.get(lasso)?.choices ?? explored.pathTo(Math.min(...lasso.states));
  return describeEndless(subject, lasso, prefix, (state) => {
    // Played alone, a state that was wrong leaves no mark on those that come after it.
    const marked = state.slice();
    subject.program.taint(marked);
    return lasso.loopFrom(explored.visited.numberOf(marked));
  });
}

function neverReached(subject: Subject, wanted: string): Finding {
  const fault: Fault = {
    id: -1,
    kind: 'never-reached',
    object: wanted,
    text: 'no state in which this holds was reached, in an exhaustive search',
    prints: null,
    sites: [],
    reads: [],
  };
  return {
    ...named(subject, fault, { between: null, marked: [] }),
    threads: [],
    preemptions: 0,
    proven: true,
    schedule: null,
    trace: null,
    loopFrom: null,
    without: [],
    symptom: null,
    serial: null,
  };
}
