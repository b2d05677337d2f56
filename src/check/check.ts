/** Checks one variant: explores it, finds the best counterexample of each fault, confirms it, and compares with what is expected. */
import { setImmediate } from 'node:timers/promises';
import type { Kind } from '../../machines/object.ts';
import type { Resumption } from '../explore/checkpoint.ts';
import type { Checkpoint, Found, Progress } from '../explore/found.ts';
import { SEARCHED } from '../explore/judge.ts';
import type { Limits } from '../explore/plain-search.ts';
import { endsOf } from '../explore/serial-ends.ts';
import { ModelError } from '../model/errors.ts';
import type { Expectation, Scenario, Variant } from '../model/scenario.ts';
import { type Locking, lockingOf } from '../review/locking.ts';
import { Program } from '../tables/program.ts';
import { meets, type Subject } from './describe.ts';
import type { Finding } from './finding.ts';
import { findingsOf, NODES_FOR_BEST, type Pains } from './findings.ts';
import { findLockOrders } from './lock-order/find.ts';
import { checkSerial, type SerialCheck, type SerialVerdict, wasCompared } from './serial.ts';
import { type How, type Searched, searchBy, USUALLY, withRaces } from './strategy.ts';
import { type Windows, windowsOf } from './window.ts';

export type Outcome = 'as-expected' | 'unexpected' | 'missing' | 'cut';

export interface CheckResult {
  readonly scenario: Scenario;
  readonly variant: string;
  readonly outcome: Outcome;
  readonly exhaustive: boolean;
  readonly cut: string | null;
  /** Where it was cut: how much of what can happen was covered, as far as that can be told. */
  readonly estimate: string | null;
  /** The search that decided. */
  readonly strategy: string;
  /** What else the search has to say, in sentences. */
  readonly notes: readonly string[];
  readonly searched: readonly Kind[];
  readonly states: number;
  /** Complete runs, where the search goes along runs. */
  readonly traces: number | null;
  readonly steps: number;
  readonly depth: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly consequences: readonly Finding[];
  /** What was expected, in the findings or after them, and did not come. */
  readonly missing: readonly Expectation[];
  readonly sometimes: Found['sometimes'];
  readonly questions: number;
  /** The comparison with orders of whole operations; null where the scenario does not ask for it. */
  readonly serial: SerialVerdict | null;
  /** The race windows of the findings, where they were asked for. */
  readonly windows: Windows | null;
  /** How its locks are used, where it was asked for. */
  readonly locking?: Locking;
}

export interface CheckOptions extends Limits {
  /** Asked for now and then, also while counterexamples are made better (null); a reason makes the search stop there. */
  readonly onProgress?: (progress: Progress | null) => string | null;
  /** Leave out of each counterexample the calls that it does not need; unless it is false. */
  readonly shrink?: boolean;
  /** What the searches for the best counterexamples may cost, in states; with 0 each finding keeps the way that was met. */
  readonly nodesForBest?: number;
  /** Which search decides; see `USUALLY` for what is not said. */
  readonly how?: Partial<How>;
  /** Look for the race windows of the findings, with the runs and the seed of `how`. */
  readonly windows?: boolean;
  /** In bytes, of the whole process. */
  readonly maxMemory?: number | null;
  readonly maxSeconds?: number | null;
  /** Also learn how the locks are used, from the states of the search. */
  readonly locking?: boolean;
  /** Where an interrupted search of the same variant ended. */
  readonly from?: Resumption | null;
  /** Told right after the search, before anything else is learned: what it can be gone on from; null if it came to its end. */
  readonly onStopped?: (checkpoint: Checkpoint | null) => void;
}

export async function checkVariant(scenario: Scenario, name: string, options: CheckOptions): Promise<CheckResult> {
  const began = performance.now();
  const variant = variantOf(scenario, name);
  const program = new Program(variant);
  const reason = reasonToStop(options, began);
  const how = { ...USUALLY, ...options.how };
  const stored = await drive(searchBy(how, program, variant, options, options.from ?? null), reason);
  options.onStopped?.(stored.ends?.checkpoint ?? null);
  const searched = await drive(withRaces(stored, how, variant), reason);
  const { found, ends } = searched;
  const locking = options.locking && ends !== null ? lockingOf(ends, searched.whole !== null) : null;
  const subject: Subject = { scenario, name, variant, program, judge: found.judge };
  const pains: Pains = {
    run: (search) => drive(search, reason),
    isStopped: () => reason(null) !== null,
    shrinks: options.shrink !== false,
    nodes: options.nodesForBest ?? NODES_FOR_BEST,
  };
  const { findings, consequences } = await findingsOf(subject, searched, pains);
  const limits = {
    maxStates: options.maxStates,
    nodesForBest: options.nodesForBest ?? NODES_FOR_BEST,
    exhaustive: found.cut === null,
  };
  const serial = ends === null ? null : await checkSerial(subject, endsOf(ends), limits, pains.run);
  const orders = await findLockOrders(subject, searched, [...findings, ...consequences], pains.run);
  const all = [...findings, ...orders, ...(serial?.findings ?? [])];
  const missing = [
    ...variant.expect.filter((expectation) => !all.some((finding) => meets(finding, expectation))),
    ...variant.leadsTo.filter((expectation) => ![...consequences, ...all].some((finding) => meets(finding, expectation))),
  ];
  const kinds = searchedIn(variant, searched, program.hasLoops, serial);
  const windows = options.windows === true ? await windowsOf(subject, searched, all, how, pains) : null;
  const cut = found.cut ?? serial?.verdict.cut ?? blindFor(missing, kinds, searched.races);
  return {
    scenario,
    variant: name,
    outcome: outcomeOf(all, missing, cut),
    exhaustive: cut === null,
    cut,
    estimate: found.estimate,
    strategy: searched.strategy,
    notes: searched.notes,
    searched: kinds,
    states: found.states,
    traces: found.traces,
    steps: found.steps,
    depth: found.depth,
    seconds: (performance.now() - began) / 1000,
    findings: all,
    consequences,
    missing,
    sometimes: found.sometimes,
    questions: program.learned.questions,
    serial: serial?.verdict ?? null,
    windows,
    ...(locking === null ? {} : { locking }),
  };
}

/** What the user wants, and what the machine has to spare. */
export function reasonToStop({ onProgress, maxMemory, maxSeconds }: CheckOptions, began: number): Reason {
  return (progress) => {
    if (maxSeconds && performance.now() - began > maxSeconds * 1000)
      return maxSeconds === 1 ? '1 second' : `${maxSeconds} seconds`;
    if (maxMemory && process.memoryUsage.rss() > maxMemory) return `${Math.round(maxMemory / MEGABYTE)} MB of memory`;
    return onProgress?.(progress) ?? null;
  };
}

const MEGABYTE = 1_000_000;

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

export type Reason = (progress: Progress | null) => string | null;

/** Lets everything else go on between two turns of the search: signals, the progress line. */
export async function drive<R>(search: Turns<R>, reason: Reason): Promise<R> {
  try {
    let turn = await search.next(null);
    while (!turn.done) {
      await setImmediate();
      turn = await search.next(reason(turn.value));
    }
    return turn.value;
  } finally {
    // Threads that take part in it go home.
    await search.return(undefined as R);
  }
}

type Turns<R> = Generator<Progress | null, R, string | null> | AsyncGenerator<Progress | null, R, string | null>;

/** Kinds that some searches see and others do not. */
const NOT_BY_ALL: readonly Kind[] = ['starvation', 'hung-task', 'data-race'];

/** That something is missing can be said only by a search that looks for it. */
function blindFor(missing: readonly Expectation[], searched: readonly Kind[], races: Searched['races']): string | null {
  const kinds = missing.map((expectation) => expectation.kind);
  const kind = kinds.find((kind) => NOT_BY_ALL.includes(kind) && !searched.includes(kind));
  if (kind !== undefined) return `${kind} was not looked for`;
  return kinds.includes('data-race') && races?.isWhole === false ? 'data races by happens-before' : null;
}

/** What was looked for: what must hold at the end only where some run came to an end. */
function searchedIn(variant: Variant, { found, whole, races }: Searched, hasLoops: boolean, serial: SerialCheck | null) {
  const { cut, judge } = found;
  const asks = (claims: object) => Object.keys(claims).length > 0;
  // Where nobody goes round a loop nothing goes on for ever, and who hangs is in a deadlock.
  const sawEndless = cut === null && (whole !== null || !hasLoops);
  return [
    ...SEARCHED,
    ...(sawEndless ? (['hung-task', 'starvation'] as const) : []),
    ...(races !== null ? (['data-race'] as const) : []),
    ...(asks(variant.always) ? (['invariant'] as const) : []),
    ...(judge.reachedEnd && asks(variant.atEnd) ? (['end-state'] as const) : []),
    ...(judge.reachedEnd && asks(variant.leaks) ? (['leak'] as const) : []),
    ...(asks(variant.sometimes) ? (['never-reached'] as const) : []),
    ...(wasCompared(serial) ? (['non-serialisable'] as const) : []),
  ];
}

function outcomeOf(findings: readonly Finding[], missing: readonly Expectation[], cut: string | null): Outcome {
  if (findings.some(({ expected }) => !expected)) return 'unexpected';
  if (cut !== null) return 'cut';
  return missing.length > 0 ? 'missing' : 'as-expected';
}
