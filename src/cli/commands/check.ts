/** `interlock check`: explores what was selected, compares with what is expected, and writes the schedules of findings. */
import { relative } from 'node:path';
import { type CheckResult, checkVariant } from '../../check/check.ts';
import type { Finding } from '../../check/finding.ts';
import type { Progress } from '../../index.ts';
import type { Scenario } from '../../model/scenario.ts';
import { checkJson } from '../../reporters/json.ts';
import { count, wrap } from '../../reporters/layout.ts';
import { type PlaceOf, placesFrom } from '../../reporters/places.ts';
import { checkText, type TextOptions } from '../../reporters/text.ts';
import { outcomeText } from '../../reporters/verdict.ts';
import { complain } from '../complaint.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { type Interrupt, onInterrupt } from '../interrupt.ts';
import { bundleMaps } from '../load-file.ts';
import { ProgressLine } from '../progress-line.ts';
import { ScheduleFolder } from '../schedule-folder.ts';
import { type Selected, select, type Wanted } from '../select.ts';
import type { Terminal } from '../terminal.ts';

export interface CheckCommand {
  readonly json: boolean;
  readonly maxStates: number;
  /** Leave out of counterexamples what they do not need. */
  readonly shrink: boolean;
  readonly allSteps: boolean;
  /** Null for the usual folder, or with `json` for none. */
  readonly schedules: string | null;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

const USUAL_FOLDER = 'schedules';

interface Job {
  readonly scenario: Scenario;
  readonly file: string;
  /** It is found by its name; else by its file. */
  readonly shipped: boolean;
  readonly variant: string;
}

export async function check(terminal: Terminal, wanted: Wanted, command: CheckCommand): Promise<ExitCode> {
  const { listed, faults } = await select(wanted);
  const jobs = listed.flatMap(({ scenario, file, shipped, variants }) =>
    variants.map((variant): Job => ({ scenario, file: relative(process.cwd(), file), shipped, variant })),
  );
  const folder = folderOf(command);
  if (jobs.length > 0) folder?.refuseIfUnusable();
  const codes = faults.map((fault) => complain(terminal, fault));
  const placeOf = command.verbose ? placesFrom(process.cwd(), bundleMaps) : null;
  const run: Run = { ...command, folder, detail: detailFor(command, listed), placeOf };
  const { results, faulty, code } = await runAll(terminal, jobs, run);
  if (command.json) terminal.print([JSON.stringify(checkJson(results, command.allSteps), null, 2)]);
  else if (jobs.length > 1) terminal.print(['', ...summary({ results, faulty }, listed, terminal, command)]);
  else if (jobs.length === 0 && faults.length === 0) terminal.print(['There is nothing to check.']);
  return worst([...codes, code]);
}

const folderOf = ({ json, schedules }: CheckCommand): ScheduleFolder | null =>
  json && schedules === null ? null : new ScheduleFolder(schedules ?? USUAL_FOLDER);

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

/** What came of the variants that were started. */
interface Ran {
  readonly results: readonly CheckResult[];
  readonly faulty: number;
}

async function runAll(terminal: Terminal, jobs: readonly Job[], run: Run): Promise<Ran & { readonly code: ExitCode }> {
  const interrupt = onInterrupt(terminal);
  const progress = new ProgressLine(terminal.isWatched);
  const results: CheckResult[] = [];
  const codes: ExitCode[] = [];
  let faulty = 0;
  for (const [i, job] of jobs.entries()) {
    if (interrupt.reason !== null) {
      codes.push(EXIT.cut);
      terminal.warn(wrap(`Not started: ${jobs.slice(i).map(nameOf).join(', ')}`, '', '  '));
      break;
    }
    try {
      const result = await search(job, run, progress, interrupt);
      results.push(result);
      codes.push(codeOf(result), ...report(terminal, result, job, run, results.length === 1));
    } catch (error) {
      faulty++;
      codes.push(complain(terminal, error, `${nameOf(job)} (${job.file})`));
    }
  }
  interrupt.end();
  return { results, faulty, code: worst(codes) };
}

const nameOf = ({ scenario, variant }: Job): string => `${scenario.name}/${variant}`;

async function search(job: Job, { maxStates, shrink }: Run, progress: ProgressLine, interrupt: Interrupt): Promise<CheckResult> {
  progress.begin(nameOf(job));
  const onProgress = (now: Progress | null) => {
    if (now !== null) progress.update(now);
    return interrupt.reason;
  };
  try {
    return await checkVariant(job.scenario, job.variant, { maxStates, shrink, onProgress });
  } finally {
    progress.end();
  }
}

/** Writes the schedules, then prints what refers to them. */
function report(terminal: Terminal, result: CheckResult, job: Job, run: Run, isFirst: boolean): readonly ExitCode[] {
  const { files, codes } = writeSchedules(result, run.folder, terminal);
  if (run.json) return codes;
  const { detail, allSteps, placeOf } = run;
  const replay = (finding: Finding) => replayOf(finding, files, job);
  const lines = checkText(result, { paint: terminal.paint, detail, allSteps, placeOf, replay });
  terminal.print([...(isFirst || detail !== 'full' ? [] : ['']), ...lines]);
  return codes;
}

function codeOf({ outcome }: CheckResult): ExitCode {
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
function replayOf(finding: Finding, files: Files, { file, shipped }: Job): string {
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
    .map((outcome) => ({ n: results.filter((result) => result.outcome === outcome).length, said: outcomeText(outcome, paint) }))
    .concat({ n: faulty, said: paint.bad('FAULTY') })
    .filter(({ n }) => n > 0)
    .map(({ n, said }) => `${n} ${said}`);
  const variants = count(results.length + faulty, 'variant');
  return [
    `${variants} of ${count(listed.length, 'scenario')}: ${tally.join(', ') || 'none was started'}.`,
    ...(listed.length > 1 && !quiet ? [`Reports in full: interlock check ${listed[0]?.scenario.name ?? ''}`] : []),
  ];
}
