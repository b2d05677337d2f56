/** `interlock check`: explores what was selected, compares with what is expected, and writes the schedules of findings. */
import { relative } from 'node:path';
import type { CheckResult } from '../../check/check.ts';
import type { Finding } from '../../check/finding.ts';
import { render } from '../../document/render.ts';
import type { Progress } from '../../index.ts';
import { checkDocument } from '../../reporters/check-document.ts';
import { checkJson } from '../../reporters/json.ts';
import { count, wrap } from '../../reporters/layout.ts';
import { type PlaceOf, placesFrom } from '../../reporters/places.ts';
import { sarif } from '../../reporters/sarif.ts';
import { checkText, type TextOptions } from '../../reporters/text.ts';
import { outcomeText } from '../../reporters/verdict.ts';
import type { JobOptions } from '../check-job.ts';
import { CheckPool, type Job, type Watch } from '../check-pool.ts';
import { complain } from '../complaint.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { onInterrupt } from '../interrupt.ts';
import { bundleMaps } from '../load-file.ts';
import { version } from '../package.ts';
import { ProgressLine } from '../progress-line.ts';
import { ScheduleFolder } from '../schedule-folder.ts';
import { type Selected, select, type Wanted } from '../select.ts';
import type { Terminal } from '../terminal.ts';

/** A text is printed while others are still searched; the others are one document of all results. */
export const FORMATS = ['text', 'markdown', 'rst', 'json', 'sarif'] as const;
export type Format = (typeof FORMATS)[number];

export interface CheckCommand {
  readonly format: Format;
  readonly job: JobOptions;
  /** How many variants at a time; null for as many as there are cores. */
  readonly jobs: number | null;
  readonly allSteps: boolean;
  /** Null for the usual folder, or for none with a format that has no commands in it. */
  readonly schedules: string | null;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

const USUAL_FOLDER = 'schedules';

export async function check(terminal: Terminal, wanted: Wanted, command: CheckCommand): Promise<ExitCode> {
  const { listed, faults } = await select(wanted);
  const jobs = listed.flatMap(({ scenario, file, shipped, variants }) =>
    variants.map((variant): Job => ({ scenario, file, shipped, variant })),
  );
  const folder = folderOf(command);
  if (jobs.length > 0) folder?.refuseIfUnusable();
  const codes = faults.map((fault) => complain(terminal, fault));
  const placeOf = command.verbose ? placesFrom(process.cwd(), bundleMaps) : null;
  const run: Run = { ...command, folder, detail: detailFor(command, listed), placeOf };
  const { results, faulty, code } = await runAll(terminal, jobs, run);
  if (command.format !== 'text') terminal.print([asDocument(command.format, results, run).trimEnd()]);
  else if (jobs.length > 1) terminal.print(['', ...summary({ results, faulty }, listed, terminal, command)]);
  else if (jobs.length === 0 && faults.length === 0) terminal.print(['There is nothing to check.']);
  return worst([...codes, code]);
}

const folderOf = ({ format, schedules }: CheckCommand): ScheduleFolder | null =>
  ['json', 'sarif'].includes(format) && schedules === null ? null : new ScheduleFolder(schedules ?? USUAL_FOLDER);

function asDocument(format: Exclude<Format, 'text'>, came: readonly Reported[], { allSteps, detail, placeOf }: Run): string {
  const results = came.map(({ result }) => result);
  const of = new Map(came.map((reported) => [reported.result, reported]));
  switch (format) {
    case 'json':
      return JSON.stringify(checkJson(results, allSteps), null, 2);
    case 'sarif': {
      const fileOf = (result: CheckResult) => relative(process.cwd(), of.get(result)?.job.file ?? '');
      return JSON.stringify(sarif(results, { version, placeOf: placesFrom(process.cwd(), bundleMaps), fileOf }), null, 2);
    }
    case 'markdown':
    case 'rst': {
      const optionsOf = (result: CheckResult) => ({ allSteps, detail, placeOf, replay: of.get(result)?.replay ?? null });
      return render(checkDocument(results, optionsOf), format);
    }
  }
}

/** A report of everything that is shipped would fill a book: what was expected is drawn where one scenario was asked for. */
function detailFor({ quiet, verbose }: CheckCommand, listed: Selected['listed']): TextOptions['detail'] {
  if (quiet) return 'line';
  return verbose || listed.length <= 1 ? 'full' : 'brief';
}

interface Run extends CheckCommand {
  readonly folder: ScheduleFolder | null;
  readonly detail: TextOptions['detail'];
  readonly placeOf: PlaceOf | null;
}

/** A result with the commands that play its findings again. */
interface Reported {
  readonly result: CheckResult;
  readonly job: Job;
  readonly replay: (finding: Finding) => string;
}

/** What came of the variants that were started. */
interface Ran {
  readonly results: readonly Reported[];
  readonly faulty: number;
}

async function runAll(terminal: Terminal, jobs: readonly Job[], run: Run): Promise<Ran & { readonly code: ExitCode }> {
  const interrupt = onInterrupt(terminal);
  const progress = new ProgressLine(terminal.isWatched, jobs.length);
  const pool = new CheckPool(jobs.length, run.jobs, run.job);
  const results: Reported[] = [];
  const codes: ExitCode[] = [];
  let faulty = 0;
  const warn = (lines: readonly string[]) => {
    progress.clear();
    terminal.warn(lines);
  };
  const checks = jobs.map((job) => search(job, pool, progress, { reason: () => interrupt.reason, warn }));
  // Reports come in the order of the jobs, whichever ends first.
  for (const [i, job] of jobs.entries()) {
    const came = await checks[i];
    progress.clear();
    if (came === null || came === undefined) {
      codes.push(EXIT.cut);
      terminal.warn(wrap(`Not started: ${jobs.slice(i).map(nameOf).join(', ')}`, '', '  '));
      break;
    }
    if ('error' in came) {
      faulty++;
      codes.push(complain(terminal, came.error, `${nameOf(job)} (${relative(process.cwd(), job.file)})`));
      continue;
    }
    const { files, codes: unwritten } = writeSchedules(came.result, run.folder, terminal);
    const reported = { result: came.result, job, replay: (finding: Finding) => replayOf(finding, files, job) };
    results.push(reported);
    codes.push(codeOf(came.result), ...unwritten);
    if (run.format === 'text') report(terminal, reported, run, results.length === 1);
  }
  interrupt.end();
  await pool.close();
  return { results, faulty, code: worst(codes) };
}

const nameOf = ({ scenario, variant }: Job): string => `${scenario.name}/${variant}`;

type Came = { readonly result: CheckResult } | { readonly error: unknown };

/** @returns null where it was not begun, as somebody had stopped it all */
async function search(
  job: Job,
  pool: CheckPool,
  progress: ProgressLine,
  hooks: Pick<Watch, 'reason' | 'warn'>,
): Promise<Came | null> {
  const name = nameOf(job);
  const watch: Watch = {
    ...hooks,
    onBegin: () => progress.begin(name),
    onProgress: (now: Progress) => progress.update(name, now),
  };
  try {
    const result = await pool.check(job, watch);
    return result && { result };
  } catch (error) {
    return { error };
  } finally {
    progress.end(name);
  }
}

function report(terminal: Terminal, { result, replay }: Reported, { detail, allSteps, placeOf }: Run, isFirst: boolean): void {
  const lines = checkText(result, { paint: terminal.paint, detail, allSteps, placeOf, replay });
  terminal.print([...(isFirst || detail !== 'full' ? [] : ['']), ...lines]);
}

export function codeOf({ outcome }: CheckResult): ExitCode {
  switch (outcome) {
    case 'as-expected':
      return EXIT.asExpected;
    case 'unexpected':
    case 'missing':
      return EXIT.notAsExpected;
    case 'cut':
      return EXIT.cut;
  }
}

type Files = ReadonlyMap<Finding, string>;

function writeSchedules(
  { findings }: CheckResult,
  folder: ScheduleFolder | null,
  terminal: Terminal,
): { readonly files: Files; readonly codes: readonly ExitCode[] } {
  const files = new Map<Finding, string>();
  if (folder === null) return { files, codes: [] };
  try {
    for (const finding of findings) if (finding.schedule !== null) files.set(finding, folder.write(finding.schedule));
    return { files, codes: [] };
  } catch (error) {
    return { files, codes: [complain(terminal, error)] };
  }
}

/** A schedule that was not written is there to be pasted. */
function replayOf(finding: Finding, files: Files, { file: path, shipped }: Job): string {
  const file = relative(process.cwd(), path);
  const schedule = files.get(finding) ?? "'<the schedule above>'";
  return `npx interlock replay ${quoted(schedule)}${shipped ? '' : ` --scenario ${quoted(file)}`}`;
}

const quoted = (word: string): string => (/^[\w./@:+=-]+$|^'/.test(word) ? word : `'${word}'`);

function summary(
  { results, faulty }: Ran,
  listed: Selected['listed'],
  { paint }: Terminal,
  { quiet }: CheckCommand,
): readonly string[] {
  const outcomes = ['as-expected', 'unexpected', 'missing', 'cut'] as const;
  const tally = outcomes
    .map((outcome) => ({
      n: results.filter(({ result }) => result.outcome === outcome).length,
      said: outcomeText(outcome, paint),
    }))
    .concat({ n: faulty, said: paint.bad('FAULTY') })
    .filter(({ n }) => n > 0)
    .map(({ n, said }) => `${n} ${said}`);
  const variants = count(results.length + faulty, 'variant');
  return [
    `${variants} of ${count(listed.length, 'scenario')}: ${tally.join(', ') || 'none was started'}.`,
    ...(listed.length > 1 && !quiet ? [`Reports in full: interlock check ${listed[0]?.scenario.name ?? ''}`] : []),
  ];
}
