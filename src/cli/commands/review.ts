/** `interlock review`: explores what was selected, and writes what that says of its locking as a document. */
import { relative } from 'node:path';
import type { CheckResult } from '../../check/check.ts';
import { DOCUMENT_FORMATS, render } from '../../document/render.ts';
import type { Scenario } from '../../model/scenario.ts';
import { count, wrap } from '../../reporters/layout.ts';
import { type PlaceOf, placesFrom } from '../../reporters/places.ts';
import { drawn, type Plugged, reviewDocument, type Reviewed, reviewOfAll } from '../../reporters/review/document.ts';
import { reviewJson } from '../../reporters/review/json.ts';
import type { JobOptions } from '../check-job.ts';
import { tryToMend, tryWithout } from '../changes.ts';
import type { Listed } from '../catalogue.ts';
import { CheckPool, type Job } from '../check-pool.ts';
import { complain } from '../complaint.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { onInterrupt } from '../interrupt.ts';
import { bundleMaps } from '../load-file.ts';
import { ProgressLine } from '../progress-line.ts';
import { select, type Wanted } from '../select.ts';
import type { Terminal } from '../terminal.ts';
import { writeOutput } from '../write-output.ts';
import { codeOf } from './check.ts';

export const REVIEW_FORMATS = [...DOCUMENT_FORMATS, 'json'] as const;

/** Those that store states, from which all of it is read. */
export const REVIEW_STRATEGIES = ['auto', 'plain', 'reduced'] as const;

export interface ReviewCommand {
  readonly format: (typeof REVIEW_FORMATS)[number];
  /** Null for stdout. */
  readonly output: string | null;
  /** How many variants at a time; null for as many as there are cores. */
  readonly jobs: number | null;
  /** Try small changes for the findings that are drawn. */
  readonly fixes: boolean;
  /** Also take away each lock, reference and check in turn. */
  readonly loadBearing: boolean;
  readonly strategy: (typeof REVIEW_STRATEGIES)[number];
  readonly search: Pick<JobOptions['search'], 'maxStates' | 'maxMemory' | 'maxSeconds'>;
}

/** Somebody has stopped the search. */
const INTERRUPTED = 'interrupted';

/** @throws ModelError if a scenario is unknown, or the file cannot be written */
export async function review(terminal: Terminal, wanted: Wanted, command: ReviewCommand): Promise<ExitCode> {
  const { listed, faults } = await select(wanted);
  const codes: ExitCode[] = faults.map((fault) => complain(terminal, fault));
  const jobs = listed.flatMap(({ scenario, file, shipped, variants }) =>
    variants.map((variant): Job => ({ scenario, file, shipped, variant })),
  );
  const { results, code } = await checkAll(terminal, jobs, command);
  const reviews: Reviewed[] = [];
  let goesOn = !results.some(({ cut }) => cut === INTERRUPTED);
  for (const each of listed) {
    const { scenario, file, shipped } = each;
    const own = resultsOf(scenario, results);
    if (own.size === 0) continue;
    const plugged = goesOn ? await withChanges(terminal, each, own, command) : {};
    if (wasStopped(plugged)) {
      goesOn = false;
      codes.push(EXIT.cut);
    }
    const word = shipped ? scenario.name : relative(process.cwd(), file);
    reviews.push({ scenario, word, results: own, plugged });
  }
  if (reviews.length === 0) terminal.warn(['There is nothing to review.']);
  else write(terminal, command, written(reviews, command.format), reviews.length);
  return worst([...codes, code]);
}

async function withChanges(
  terminal: Terminal,
  listed: Listed,
  results: ReadonlyMap<string, CheckResult>,
  { fixes, loadBearing, jobs }: ReviewCommand,
): Promise<Plugged> {
  const toMend = drawn(listed.scenario, results).map(({ result, finding }) => ({ variant: result.variant, finding }));
  const mended = fixes && toMend.length > 0 ? await tryToMend(terminal, listed, toMend, jobs) : null;
  const stopped = mended?.some((search) => search.stopped !== null) ?? false;
  const without = loadBearing && !stopped ? await tryWithout(terminal, listed, [...results.keys()], jobs) : null;
  return { ...(mended === null ? {} : { fixes: mended }), ...(without === null ? {} : { loadBearing: without }) };
}

const wasStopped = ({ fixes = [], loadBearing }: Plugged): boolean =>
  fixes.some(({ stopped }) => stopped !== null) || (loadBearing !== undefined && loadBearing.stopped !== null);

function written(reviews: readonly Reviewed[], format: ReviewCommand['format']): string {
  const placeOf: PlaceOf = placesFrom(process.cwd(), bundleMaps);
  if (format === 'json') return `${JSON.stringify(reviewJson(reviews, placeOf), null, 2)}\n`;
  return render(reviewOfAll(reviews.map((each) => reviewDocument(each, placeOf))), format);
}

const resultsOf = (scenario: Scenario, results: readonly CheckResult[]): ReadonlyMap<string, CheckResult> =>
  new Map(results.filter((result) => result.scenario === scenario).map((result) => [result.variant, result]));

function write(terminal: Terminal, { output }: ReviewCommand, text: string, scenarios: number): void {
  if (output === null) return terminal.print([text.replace(/\n$/, '')]);
  writeOutput(output, text);
  terminal.print([`${output}: review of ${count(scenarios, 'scenario')}`]);
}

interface Checked {
  readonly results: readonly CheckResult[];
  readonly code: ExitCode;
}

async function checkAll(
  terminal: Terminal,
  jobs: readonly Job[],
  { jobs: atOnce, search, strategy }: ReviewCommand,
): Promise<Checked> {
  const interrupt = onInterrupt(terminal);
  const progress = new ProgressLine(terminal.isWatched, jobs.length);
  const options: JobOptions = {
    search: { ...search, locking: true, how: { strategy } },
    checkpoints: null,
    resume: false,
    command: '',
  };
  const pool = new CheckPool(jobs.length, atOnce, options);
  const codes: ExitCode[] = [];
  const notStarted: string[] = [];
  const check = async (job: Job): Promise<CheckResult | null> => {
    const name = nameOf(job);
    try {
      const result = await pool.check(job, {
        onBegin: () => progress.begin(name),
        onProgress: (now) => progress.update(name, now),
        reason: () => interrupt.reason,
        warn: (lines) => terminal.warn(lines),
      });
      codes.push(result === null ? EXIT.cut : codeOf(result));
      if (result === null) notStarted.push(name);
      return result;
    } catch (error) {
      progress.clear();
      codes.push(complain(terminal, error, `${name} (${relative(process.cwd(), job.file)})`));
      return null;
    } finally {
      progress.end(name);
    }
  };
  const results = (await Promise.all(jobs.map(check))).filter((result) => result !== null);
  if (notStarted.length > 0) terminal.warn(wrap(`Not started: ${notStarted.join(', ')}`, '', '  '));
  interrupt.end();
  await pool.close();
  return { results, code: worst(codes) };
}

const nameOf = ({ scenario, variant }: Job): string => `${scenario.name}/${variant}`;
