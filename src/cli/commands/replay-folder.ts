/** `interlock replay FOLDER`: plays every schedule under a folder, and says of each what has become of it. */
import { extname } from 'node:path';
import { endingOf, type Played } from '../../check/played.ts';
import { ModelError, messageOf } from '../../model/errors.ts';
import { effortJson, effortText } from '../../reporters/effort.ts';
import { count, type Paint, wrap } from '../../reporters/layout.ts';
import type { ReplaysJson } from '../../reporters/schemas.ts';
import type { Schedule } from '../../trace/schedule.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { fromFile } from '../read-schedule.ts';
import type { Terminal } from '../terminal.ts';
import { walk } from '../walk.ts';
import { codeOf, playFor, type ReplayCommand } from './replay.ts';

type Outcome = ReplaysJson['results'][number]['outcome'];

/** A file and what came of it. */
interface Came {
  readonly file: string;
  readonly outcome: Outcome;
  readonly code: ExitCode;
  readonly schedule: Schedule | null;
  readonly played: Played | null;
  /** What stands in the way of playing it. */
  readonly message: string | null;
}

/** @throws ModelError if there is no schedule in the folder, or the format is not one for many */
export async function replayFolder(terminal: Terminal, folder: string, command: ReplayCommand): Promise<ExitCode> {
  if (!['text', 'json'].includes(command.format))
    throw new ModelError(
      `A folder of schedules is not written as ${command.format}`,
      'as text or as json; one schedule alone is',
    );
  const files = (await walk(folder)).filter((file) => extname(file) === '.schedule');
  if (files.length === 0)
    throw new ModelError(`There is no schedule in "${folder}"`, 'their names end in .schedule; interlock check writes them');
  const all: Came[] = [];
  for (const file of files) {
    const came = await playFile(file, command);
    all.push(came);
    if (command.format !== 'json') terminal.print(lineOf(came, terminal.paint));
  }
  if (command.format === 'json') terminal.print([JSON.stringify(asJson(all), null, 2)]);
  else terminal.print(['', summary(all)]);
  return worst(all.map(({ code }) => code));
}

async function playFile(file: string, command: ReplayCommand): Promise<Came> {
  let schedule: Schedule | null = null;
  try {
    schedule = fromFile(file);
    const { played } = await playFor(schedule, command);
    return { file, schedule, played, outcome: endingOf(played), code: codeOf(played), message: null };
  } catch (error) {
    const isTheirs = error instanceof ModelError;
    const [outcome, code] = isTheirs ? (['refused', EXIT.wrongUse] as const) : (['internal-error', EXIT.internal] as const);
    const next = isTheirs && error.next !== null ? `. Next: ${error.next}` : '';
    // The line begins with the name of the file.
    return { file, schedule, played: null, outcome, code, message: `${messageOf(error).replace(`${file}: `, '')}${next}` };
  }
}

/** In the order of the summary. */
const SAID: { readonly [O in Outcome]: string } = {
  raised: 'raised',
  'as-expected': 'as expected',
  gone: 'GONE',
  unexpected: 'UNEXPECTED',
  'does-not-fit': 'DOES NOT FIT',
  refused: 'REFUSED',
  'internal-error': 'INTERNAL ERROR',
};

/** The name of the file is for copying, and never broken. */
const lineOf = (came: Came, paint: Paint): readonly string[] => [
  `${(came.code === EXIT.asExpected ? paint.good : paint.bad)(SAID[came.outcome])}: ${came.file}`,
  ...detailsOf(came),
];

const detail = (text: string): readonly string[] => wrap(text, '  ', '    ');

function detailsOf({ outcome, played, message }: Came): readonly string[] {
  if (message !== null) return detail(message);
  if (played === null) return [];
  const { diverged, effort, schedule, raised } = played;
  const ids = raised.map(({ finding: { id } }) => id).join(', ') || 'nothing';
  return [
    ...(diverged === null ? [] : detail(`step ${diverged.step}: expected ${diverged.expected}; found ${diverged.found}`)),
    ...(effort === null ? [] : effortText(effort, '  ')),
    ...(outcome === 'gone' ? detail(`${schedule.finding ?? 'a finding'} is not raised any more; ${ids} is`) : []),
    ...(outcome === 'unexpected' ? detail(`${ids} is raised, and not expected`) : []),
  ];
}

function summary(all: readonly Came[]): string {
  const tally = Object.entries(SAID)
    .map(([outcome, said]) => ({ said, n: all.filter((came) => came.outcome === outcome).length }))
    .filter(({ n }) => n > 0)
    .map(({ n, said }) => `${n} ${said}`);
  return `${count(all.length, 'schedule')}: ${tally.join(', ')}.`;
}

const asJson = (all: readonly Came[]): ReplaysJson => ({
  schema: 'interlock.replays/1',
  results: all.map(({ file, outcome, schedule, played, message }) => ({
    file,
    outcome,
    scenario: schedule?.scenario ?? null,
    variant: schedule?.variant ?? null,
    names: schedule?.finding ?? null,
    raised: played?.raised.map(({ finding: { kind, id } }) => ({ kind, id })) ?? [],
    diverged: played?.diverged ?? null,
    bestEffort: effortJson(played?.effort ?? null),
    message,
  })),
});
