/** What a search has sighted becomes findings: each with its best counterexample, and without what it does not need. */
import { type Counterexample, findBest, type Goal } from '../explore/best-search.ts';
import type { Sighting } from '../explore/found.ts';
import type { Fault } from '../explore/judge.ts';
import { type Lasso, findLassos } from '../explore/liveness.ts';
import type { Explored } from '../explore/plain-search.ts';
import { describe, named, type Subject } from './describe.ts';
import { describeEndless } from './endless.ts';
import type { Finding } from './finding.ts';
import { type Effort, shrink } from './shrink.ts';
import type { Searched } from './strategy.ts';

export interface Findings {
  readonly findings: readonly Finding[];
  readonly consequences: readonly Finding[];
}

/** How the searches for better counterexamples are run, and what for. */
export interface Pains {
  /** Runs a search to its end, or until it is stopped. */
  readonly run: <R>(search: Generator<null, R, string | null>) => Promise<R>;
  readonly isStopped: () => boolean;
  /** Leave out of each counterexample the calls that it does not need. */
  readonly shrinks: boolean;
  /** How much a search for the best may cost. */
  readonly nodes?: number;
}

export const NODES_FOR_BEST = 4_000_000;
const LEAST_NODES_FOR_SHRINKING = 5000;

export async function findingsOf(subject: Subject, searched: Searched, pains: Pains): Promise<Findings> {
  const { found, whole } = searched;
  const findings: Finding[] = [];
  const consequences: Finding[] = [];
  const after = subject.variant.leadsToNothing ? findings : consequences;
  const best = await bestOf(subject, searched, pains);
  const effort = shrinkingEffort(searched, pains);
  for (const sighting of found.sightings) {
    const finding = await findingOf(subject, searched, sighting, best, effort);
    const list = sighting.primary ? findings : after;
    if (!list.some(({ id }) => id === finding.id)) list.push(finding);
  }
  for (const lasso of best.lassos) {
    const finding = await endless(subject, whole as Explored, lasso, best);
    if (!findings.some(({ id }) => id === finding.id)) findings.push(finding);
  }
  for (const lasso of best.lassosAfter) {
    const finding = await endlessAfter(subject, whole as Explored, lasso, best);
    if (![...findings, ...consequences].some(({ id }) => id === finding.id)) after.push(finding);
  }
  if (found.cut === null)
    for (const { name, reached } of found.sometimes) if (!reached) findings.push(neverReached(subject, name));
  return { findings, consequences };
}

/** The best ways to what was found, in two searches: to what comes first on a way, and to what comes after. */
interface BestOf {
  readonly faults: ReadonlyMap<number, Counterexample>;
  readonly lassos: readonly Lasso[];
  readonly lassosAfter: readonly Lasso[];
  readonly ways: ReadonlyMap<Lasso, Counterexample>;
}

async function bestOf(
  { program, judge }: Subject,
  { found: { sightings }, whole }: Searched,
  { run, nodes = NODES_FOR_BEST }: Pains,
): Promise<BestOf> {
  const faults = new Map<number, Counterexample>();
  const ways = new Map<Lasso, Counterexample>();
  const search = async (primary: boolean, lassos: readonly Lasso[]) => {
    const seen = sightings.filter(({ fault, primary: comesFirst }) => comesFirst === primary && !isRace(judge.faults[fault]));
    const goals: readonly Goal[] = [
      ...seen.map(({ fault }) => ({ fault: judge.keyOf(fault) })),
      ...lassos.map(({ states }) => ({
        state: (state: Int32Array) => whole !== null && states.has(whole.visited.numberOf(state)),
      })),
    ];
    if (goals.length === 0) return;
    const { found } = await run(findBest(program, judge, goals, { primary, maxNodes: nodes }));
    for (const [i, best] of found.entries()) {
      if (best === null) continue;
      const [sighting, lasso] = [seen[i], lassos[i - seen.length]];
      if (sighting !== undefined) faults.set(sighting.fault, best);
      else if (lasso !== undefined) ways.set(lasso, best);
    }
  };
  const lassos = whole === null ? [] : findLassos(whole, 'before any finding');
  await search(true, lassos);
  const lassosAfter = whole === null ? [] : findLassos(whole, 'after a finding');
  await search(false, lassosAfter);
  return { faults, lassos, lassosAfter, ways };
}

/** Two accesses that nothing orders are no fault of a step: only who knows the order of the whole run can tell. */
const isRace = (fault: Fault | undefined): boolean => fault?.kind === 'data-race';

async function findingOf(
  subject: Subject,
  { found }: Searched,
  sighting: Sighting,
  { faults }: BestOf,
  effort: Effort,
): Promise<Finding> {
  const best = faults.get(sighting.fault);
  const { byStep } = sighting;
  const choices = best?.choices ?? sighting.way();
  const fault = subject.judge.asMet(sighting.fault, choices, byStep);
  const met = { fault, choices, byStep, proven: best?.proven === true && found.cut === null };
  const finding = await describe(subject, met);
  return sighting.primary && best !== undefined ? shrink(subject, finding, met, effort) : finding;
}

/** All that is left out of a variant's findings may cost as many states as the variant has, and where it has few some more. */
const shrinkingEffort = ({ found }: Searched, { run, isStopped, shrinks }: Pains): Effort => ({
  nodes: shrinks ? Math.max(LEAST_NODES_FOR_SHRINKING, found.states) : 0,
  run,
  isStopped,
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
    order: null,
    symptom: null,
    serial: null,
  };
}
