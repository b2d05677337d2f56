/** `interlock replay`: plays one schedule on the live actors, and says which finding it leads to. */
import { endingOf, type Played, playSchedule } from '../../check/played.ts';
import { render } from '../../document/render.ts';
import type { Scenario } from '../../model/scenario.ts';
import { replayJson } from '../../reporters/json.ts';
import { placesFrom } from '../../reporters/places.ts';
import { playedDocument, playedText } from '../../reporters/played.ts';
import { formatSchedule, type Schedule } from '../../trace/schedule.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { scenarioNamed, variantNamed } from '../find.ts';
import { bundleMaps } from '../load-file.ts';
import { readSchedule } from '../read-schedule.ts';
import type { Terminal } from '../terminal.ts';

export const FORMATS = ['text', 'markdown', 'rst', 'json'] as const;

export interface ReplayCommand {
  readonly format: (typeof FORMATS)[number];
  readonly allSteps: boolean;
  readonly verbose: boolean;
  /** The file that defines the scenario, if it does not come with the package. */
  readonly scenario: string | null;
  /** Where the schedule does not fit any more, go on as far as it can be played. */
  readonly bestEffort: boolean;
}

/** @throws ModelError if the schedule cannot be read, or its scenario not be found */
export async function replay(terminal: Terminal, words: readonly string[], command: ReplayCommand): Promise<ExitCode> {
  const schedule = await readSchedule(words);
  const { played, scenario } = await playFor(schedule, command);
  terminal.print(written(played, terminal, command));
  terminal.warn(complaints(played, scenario));
  return codeOf(played);
}

/** @throws ModelError if its scenario or variant cannot be found */
export async function playFor(
  schedule: Schedule,
  command: Pick<ReplayCommand, 'scenario' | 'bestEffort'>,
): Promise<{ readonly played: Played; readonly scenario: Scenario }> {
  const scenario = await scenarioNamed(schedule.scenario, command.scenario);
  variantNamed(scenario, schedule.variant);
  return { played: await playSchedule(schedule, scenario, command.bestEffort), scenario };
}

const asJson = ({ schedule, trace, diverged, effort, finding }: Played) =>
  replayJson({ schedule, steps: trace.steps, diverged, effort, finding: finding?.finding ?? null });

function written(played: Played, { paint }: Terminal, { format, allSteps, verbose }: ReplayCommand): readonly string[] {
  const placeOf = verbose ? placesFrom(process.cwd(), bundleMaps) : null;
  switch (format) {
    case 'text':
      return playedText(played, { paint, allSteps, placeOf });
    case 'json':
      return [JSON.stringify(asJson(played), null, 2)];
    case 'markdown':
    case 'rst':
      return [render(playedDocument(played, { allSteps, placeOf }), format).trimEnd()];
  }
}

/** Why it is not as it was; nothing where it is. */
function complaints(played: Played, { name }: Scenario): readonly string[] {
  const { schedule } = played;
  const anew = `interlock check ${name} --variant ${schedule.variant}`;
  const ending = endingOf(played);
  return [
    ...misfit(played),
    ...(ending === 'gone' ? [gone(played)] : []),
    ...(ending === 'gone'
      ? [`Next: ${isOfAnother(played) ? 'it is a finding of another design; check the whole: ' : ''}${anew}`]
      : []),
    ...(ending === 'does-not-fit'
      ? [`Next: it was edited, or the model has changed since; try --best-effort, or check anew: ${anew}`]
      : []),
  ];
}

const misfit = ({ diverged }: Played): readonly string[] =>
  diverged === null
    ? []
    : [
        `interlock: The schedule does not fit any more: step ${diverged.step}`,
        `  expected: ${diverged.expected}`,
        `  found:    ${diverged.found}`,
      ];

/** What is raised is a finding of the design without the calls that are left out, and of no other. */
const isOfAnother = ({ finding, raised }: Played): boolean => finding === null && raised.some(({ isOfVariant }) => !isOfVariant);

function gone(played: Played): string {
  if (isOfAnother(played))
    return 'interlock: With the calls that the schedule leaves out, no run was found that comes to this in the same way';
  const fits = played.effort === null ? 'The schedule fits, but' : 'As far as it can be played,';
  return `interlock: ${fits} "${played.schedule.finding}" is not raised any more; ${insteadOf(played)} is`;
}

const insteadOf = ({ raised }: Played): string =>
  raised.length === 0 ? 'nothing' : raised.map(({ finding: { id } }) => id).join(', ');

export function codeOf(played: Played): ExitCode {
  switch (endingOf(played)) {
    case 'raised':
    case 'as-expected':
      return EXIT.asExpected;
    case 'gone':
    case 'unexpected':
      return EXIT.notAsExpected;
    case 'does-not-fit':
      return EXIT.wrongUse;
  }
}

export const scheduleLines = (schedule: Schedule): readonly string[] =>
  formatSchedule(schedule)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
