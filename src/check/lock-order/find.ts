/**
 * What a kernel would warn of in the order in which locks are taken, though no run need ever deadlock: each is looked for
 * among all states, and said to be confirmed, or refuted with the reason.
 */
import { findBest } from '../../explore/best-search.ts';
import type { Choice } from '../../explore/choice.ts';
import type { Explored } from '../../explore/plain-search.ts';
import { plainName } from '../../model/names.ts';
import type { Program } from '../../tables/program.ts';
import type { Subject } from '../describe.ts';
import type { Finding } from '../finding.ts';
import type { Searched } from '../strategy.ts';
import { describeOrder } from './describe-order.ts';
import { type Pattern, patternsOf } from './patterns.ts';
import { runThrough } from './run-through.ts';

/** What a search among all states may cost. */
const MOST_NODES = 1_000_000;

type Run = <R>(search: Generator<null, R, string | null>) => Promise<R>;

/** @param others what was found otherwise: the deadlocks that some of these end in */
export async function findLockOrders(
  subject: Subject,
  searched: Searched,
  others: readonly Finding[],
  run: Run,
): Promise<readonly Finding[]> {
  const patterns = patternsOf(subject.program);
  if (patterns.length === 0) return [];
  const explored = searched.ends ?? searched.whole;
  const waiting = explored === null ? null : statesWaiting(subject.program, explored, patterns);
  const findings: Finding[] = [];
  for (const [i, pattern] of patterns.entries()) {
    const met = await waysInto(subject, pattern, explored, waiting?.[i] ?? null, run);
    findings.push(await settled(subject, pattern, searched, met, others, run));
  }
  return findings;
}

/** By pattern, the first state in which threads wait for each other as it says; null if there is none. */
function statesWaiting(program: Program, { visited }: Explored, patterns: readonly Pattern[]): readonly (number | null)[] {
  const found: (number | null)[] = patterns.map(() => null);
  const state = new Int32Array(program.width);
  for (let at = 0; at < visited.size && found.includes(null); at++) {
    visited.get(at, state);
    for (const [i, { waits }] of patterns.entries()) if (found[i] === null && waits(state) !== null) found[i] = at;
  }
  return found;
}

interface Met {
  /** The way to where threads wait for each other; null where none was found. */
  readonly choices: readonly Choice[] | null;
  readonly proven: boolean;
  /** The search for it looked at all that it was to look at. */
  readonly whole: boolean;
}

async function waysInto(
  { program, judge }: Subject,
  { waits }: Pattern,
  explored: Explored | null,
  first: number | null,
  run: Run,
): Promise<Met> {
  if (explored !== null && first === null) return { choices: null, proven: false, whole: true };
  const goal = { state: (state: Int32Array) => waits(state) !== null };
  const { found, nodes } = await run(findBest(program, judge, [goal], { primary: false, maxNodes: MOST_NODES }));
  const [best] = found;
  if (best) return { choices: best.choices, proven: best.proven, whole: true };
  return { choices: explored?.pathTo(first as number) ?? null, proven: false, whole: nodes <= MOST_NODES };
}

async function settled(
  subject: Subject,
  pattern: Pattern,
  { found: { cut } }: Searched,
  { choices, proven, whole }: Met,
  others: readonly Finding[],
  run: Run,
): Promise<Finding> {
  if (choices !== null) {
    const threads = pattern.waits(stateAfter(subject.program, choices)) ?? [];
    const deadlock = others.find((finding) => isOf(subject, finding, choices, threads));
    const verdict = deadlock === undefined ? 'confirmed' : `confirmed, see ${deadlock.id}`;
    return describeOrder(subject, pattern, { choices, proven, threads }, verdict);
  }
  const { program } = subject;
  const through = await run(runThrough(program, kindsOf(pattern), 2 ** pattern.steps.length - 1, MOST_NODES));
  return describeOrder(subject, pattern, through === null ? null : { ...through, threads: [] }, verdictOn(pattern, cut, whole));
}

function verdictOn(pattern: Pattern, cut: string | null, whole: boolean): string {
  if (cut !== null) return `neither confirmed nor refuted, as the search was cut: ${cut}`;
  const why = pattern.whyNot();
  if (why !== null) return `refuted: ${why}`;
  if (!whole) return 'neither confirmed nor refuted within the effort of its search';
  return 'refuted: in no state do the threads wait for each other';
}

/** By position, the steps of the pattern that it is, as bits. */
export function kindsOf({ steps }: Pattern): ReadonlyMap<number, number> {
  const kinds = new Map<number, number>();
  for (const [i, attempts] of steps.entries()) for (const { id } of attempts) kinds.set(id, (kinds.get(id) ?? 0) | (1 << i));
  return kinds;
}

/** The finding is that these threads are stuck where they are, or others that stand there like them. */
function isOf(subject: Subject, { kind, fault }: Finding, choices: readonly Choice[], threads: readonly number[]): boolean {
  if (!['deadlock', 'self-deadlock', 'hung-task'].includes(kind)) return false;
  const { program, judge } = subject;
  const state = stateAfter(program, choices);
  const places = threads.map((thread) => nameOf(judge.siteOf(program.position(state, thread))));
  const stuck = fault.sites.map(nameOf);
  return stuck.length > 0 && stuck.every((place) => places.includes(place));
}

const nameOf = (site: { readonly function: string; readonly event: string; readonly object: string }): string =>
  `${site.function} ${site.event} ${plainName(site.object)}`;

export function stateAfter(program: Program, choices: readonly Choice[]): Int32Array {
  const state = program.initial();
  const next = state.slice();
  for (const choice of choices) {
    program.choose(state, choice, next);
    state.set(next);
  }
  return state;
}
