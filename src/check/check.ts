/** Checks one variant: explores it, finds the best counterexample of each fault, confirms it, and compares with what is expected. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Kind } from '../../machines/object.ts';
import { countPreemptions, findBest } from '../explore/best-search.ts';
import { findSymptom } from '../explore/symptom.ts';
import { type Fault, SEARCHED } from '../explore/judge.ts';
import { type Choice, type Explored, explore, type Limits, type Progress, type Sighting } from '../explore/plain-search.ts';
import { type Lasso, findLassos } from '../explore/liveness.ts';
import { InternalError, ModelError } from '../model/errors.ts';
import type { Expectation, Scenario, Variant } from '../model/scenario.ts';
import { type Position, Program } from '../tables/program.ts';
import { pairOfLoop, type RacingPair, pairOfState, pairOfStep, pairOfStuck } from '../trace/racing-pair.ts';
import { runsOf } from '../trace/schedule.ts';
import type { Trace } from '../trace/trace.ts';
import { confirm } from './confirm.ts';
import type { Finding } from './finding.ts';

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
}

export interface CheckOptions extends Limits {
  /** Asked for now and then; a reason makes the search stop there. */
  readonly onProgress?: (progress: Progress) => string | null;
}

const NODES_FOR_BEST = 4_000_000;

export async function checkVariant(scenario: Scenario, name: string, options: CheckOptions): Promise<CheckResult> {
  const began = performance.now();
  const variant = variantOf(scenario, name);
  const program = new Program(variant);
  const explored = await drive(explore(program, variant, options), options);
  const findings: Finding[] = [];
  const consequences: Finding[] = [];
  for (const sighting of explored.sightings) {
    const finding = await findingOf(scenario, name, variant, explored, sighting);
    const list = sighting.primary ? findings : consequences;
    if (!list.some(({ id }) => id === finding.id)) list.push(finding);
  }
  for (const lasso of findLassos(explored)) findings.push(await endless(scenario, name, variant, explored, lasso));
  if (explored.cut === null)
    for (const { name: wanted, reached } of explored.sometimes)
      if (!reached) findings.push(neverReached(scenario, name, variant, wanted));
  const missing = [
    ...variant.expect.filter((expectation) => !findings.some((finding) => meets(finding, expectation))),
    ...variant.leadsTo.filter((expectation) => ![...consequences, ...findings].some((finding) => meets(finding, expectation))),
  ];
  return {
    scenario,
    variant: name,
    outcome: outcomeOf(findings, missing, explored.cut),
    exhaustive: explored.cut === null,
    cut: explored.cut,
    searched: searchedIn(variant, explored.cut === null),
    states: explored.states,
    steps: explored.steps,
    depth: explored.depth,
    seconds: (performance.now() - began) / 1000,
    findings,
    consequences,
    missing,
    sometimes: explored.sometimes,
    questions: program.learned.questions,
  };
}

export function variantOf(scenario: Scenario, name: string): Variant {
  const variant = scenario.variants[name];
  if (variant !== undefined) return variant;
  throw new ModelError(
    `Scenario "${scenario.name}" has no variant "${name}"`,
    `variants: ${Object.keys(scenario.variants).join(', ')}`,
  );
}

/** Lets everything else go on between two turns of the search: signals, the progress line. */
async function drive(search: Generator<Progress, Explored, string | null>, { onProgress }: CheckOptions): Promise<Explored> {
  let turn = search.next();
  while (!turn.done) {
    await setImmediate();
    turn = search.next(onProgress?.(turn.value) ?? null);
  }
  return turn.value;
}

const searchedIn = (variant: Variant, liveness: boolean): readonly Kind[] => [
  ...SEARCHED,
  ...(liveness ? (['hung-task', 'starvation'] as const) : []),
  ...(Object.keys(variant.always).length > 0 ? (['invariant'] as const) : []),
  ...(Object.keys(variant.atEnd).length > 0 ? (['end-state'] as const) : []),
  ...(Object.keys(variant.leaks).length > 0 ? (['leak'] as const) : []),
  ...(Object.keys(variant.sometimes).length > 0 ? (['never-reached'] as const) : []),
];

function outcomeOf(findings: readonly Finding[], missing: readonly Expectation[], cut: string | null): Outcome {
  if (findings.some(({ expected }) => !expected)) return 'unexpected';
  if (cut !== null) return 'cut';
  return missing.length > 0 ? 'missing' : 'as-expected';
}

const meets = ({ kind, object, pair }: Pick<Finding, 'kind' | 'object' | 'pair'>, expectation: Expectation): boolean =>
  kind === expectation.kind &&
  object === expectation.object &&
  (expectation.between === undefined || JSON.stringify(pair.between) === JSON.stringify(expectation.between));

async function findingOf(
  scenario: Scenario,
  name: string,
  variant: Variant,
  explored: Explored,
  sighting: Sighting,
): Promise<Finding> {
  const { program, judge } = explored;
  const fault = judge.faults[sighting.fault] as Fault;
  const shortest: readonly Choice[] = [...explored.pathTo(sighting.state), ...(sighting.step === null ? [] : [sighting.step])];
  const best = sighting.primary
    ? findBest(program, judge, { fault: sighting.fault, primary: sighting.primary }, NODES_FOR_BEST)
    : null;
  const choices = best?.choices ?? shortest;
  const { live, state } = await confirm(program, variant, choices);
  const pair = pairOf(live, fault, sighting, program);
  const id = idOf(scenario, name, fault, pair);
  const symptom = fault.prints === null ? findSymptom(program, judge, state) : null;
  return {
    kind: fault.kind,
    id,
    expected: variant.expect.some((expectation) => meets({ kind: fault.kind, object: fault.object, pair }, expectation)),
    message: sentence(fault),
    object: fault.object,
    threads: moversIn(program, live),
    pair,
    preemptions: best?.preemptions ?? countPreemptions(program, choices),
    proven: best !== null && explored.cut === null,
    schedule: { scenario: scenario.name, variant: name, finding: id, ...runsOf(live) },
    trace: live,
    loopFrom: null,
    fault,
    symptom,
  };
}

/** A lasso: the way with the fewest preemptions to its loop, and the loop once round. */
async function endless(scenario: Scenario, name: string, variant: Variant, explored: Explored, lasso: Lasso): Promise<Finding> {
  const { program, judge, visited } = explored;
  const inLoop = (state: Int32Array) => lasso.states.has(visited.idOf(state));
  const best = findBest(program, judge, { primary: true, fault: null, state: inLoop }, NODES_FOR_BEST);
  const prefix = best?.choices ?? explored.pathTo(Math.min(...lasso.states));
  const before = (await confirm(program, variant, prefix)).state;
  const loop = lasso.loopFrom(visited.idOf(before));
  const { live, state: after } = await confirm(program, variant, [...prefix, ...loop]);
  if (visited.idOf(after) !== visited.idOf(before))
    throw new InternalError(`The loop of ${lasso.kind} does not come back to where it began`);
  const fault = judge.ofEndless(lasso.kind, waitingIn(program, before, loop, lasso.thread));
  const pair = pairOfLoop(live, prefix.length + 1, fault.sites[0]?.thread ?? '', fault.sites[0]?.event ?? '');
  const id = idOf(scenario, name, fault, pair);
  return {
    kind: fault.kind,
    id,
    expected: variant.expect.some((expectation) => meets({ kind: fault.kind, object: fault.object, pair }, expectation)),
    message: sentence(fault),
    object: fault.object,
    threads: moversIn(program, live),
    pair,
    preemptions: countPreemptions(program, [...prefix, ...loop]),
    proven: false,
    schedule: { scenario: scenario.name, variant: name, finding: id, ...runsOf(live, prefix.length + 1) },
    trace: live,
    loopFrom: prefix.length + 1,
    fault,
    symptom: null,
  };
}

/** Where the thread waits in the course of the loop: before a step that waits, if there is one, else where it stands. */
function waitingIn(program: Program, from: Int32Array, loop: readonly Choice[], thread: number): Position {
  const state = from.slice();
  const next = state.slice();
  const stands = [program.position(state, thread)];
  for (const choice of loop) {
    program.take(state, choice.thread, program.position(state, choice.thread).firstWay + choice.way, next);
    state.set(next);
    stands.push(program.position(state, thread));
  }
  return stands.find((position) => position.waits) ?? (stands[0] as Position);
}

const moversIn = (program: Program, trace: Trace): readonly string[] =>
  program.world.threads.map((thread) => thread.name).filter((thread) => trace.steps.some((step) => step.thread === thread));

function pairOf(trace: Trace, fault: Fault, sighting: Sighting, program: Program): RacingPair {
  const paths = fault.reads.map((slot) => program.world.slots[slot]?.path ?? '');
  if (sighting.step !== null) return pairOfStep(trace, fault.kind, paths);
  if (fault.sites.length === 0) return pairOfState(trace, paths);
  return pairOfStuck(trace.standing.filter(({ thread }) => fault.sites.some((site) => site.thread === thread)));
}

function idOf(scenario: Scenario, variant: string, fault: Fault, { between }: RacingPair): string {
  const sites = fault.sites.map((site) => [site.function, site.event, site.object]);
  const text = JSON.stringify([scenario.name, variant, fault.kind, fault.object, fault.text, sites, between]);
  return `${fault.kind}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

function sentence({ kind, object, text, sites }: Fault): string {
  if (kind === 'starvation' || kind === 'hung-task') return `${object}: ${text}`;
  const [site] = sites;
  const where = site === undefined || sites.length > 1 ? '' : ` in ${site.function}()`;
  return kind === 'deadlock' ? `Deadlock: ${text}` : `${object}: ${text}${where}`;
}

function neverReached(scenario: Scenario, name: string, variant: Variant, wanted: string): Finding {
  const fault: Fault = {
    id: -1,
    kind: 'never-reached',
    object: wanted,
    text: 'no state in which this holds was reached, in an exhaustive search',
    prints: null,
    sites: [],
    reads: [],
  };
  const pair: RacingPair = { between: null, marked: [] };
  return {
    kind: fault.kind,
    id: idOf(scenario, name, fault, pair),
    expected: variant.expect.some((expectation) => meets({ kind: fault.kind, object: wanted, pair }, expectation)),
    message: `"${wanted}": ${fault.text}`,
    object: wanted,
    threads: [],
    pair,
    preemptions: 0,
    proven: true,
    schedule: null,
    trace: null,
    loopFrom: null,
    fault,
    symptom: null,
  };
}
