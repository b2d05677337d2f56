/** `interlock replay`: plays one schedule on the live actors, and says which finding it leads to. */
import { judgeRun, type LoopOnRun, type Raised } from '../../check/judge-run.ts';
import { LiveRun } from '../../live/live-run.ts';
import { type Divergence, replay as following } from '../../live/strategies/replay.ts';
import type { Document } from '../../document/document.ts';
import { render } from '../../document/render.ts';
import { variantFor } from '../../model/leave-out.ts';
import type { Scenario, Variant } from '../../model/scenario.ts';
import { findingBlocks, withCode } from '../../reporters/finding-document.ts';
import { findingText, nameFinding } from '../../reporters/finding-text.ts';
import { leftOut } from '../../reporters/not-needed.ts';
import { replayJson } from '../../reporters/json.ts';
import { count, plain, wrap } from '../../reporters/layout.ts';
import { type PlaceOf, placesFrom } from '../../reporters/places.ts';
import { stepList } from '../../reporters/step-list.ts';
import { formatSchedule, type Schedule } from '../../trace/schedule.ts';
import type { Trace } from '../../trace/trace.ts';
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
}

interface Played {
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly diverged: Divergence | null;
  readonly raised: readonly Raised[];
  /** The one that the schedule names, or else the first. */
  readonly finding: Raised | null;
}

/** @throws ModelError if the schedule cannot be read, or its scenario not be found */
export async function replay(terminal: Terminal, words: readonly string[], command: ReplayCommand): Promise<ExitCode> {
  const schedule = await readSchedule(words);
  const scenario = await scenarioNamed(schedule.scenario, command.scenario);
  variantNamed(scenario, schedule.variant);
  const played = await play(schedule, scenario, variantFor(scenario, schedule));
  terminal.print(written(played, terminal, command));
  return report(terminal, played, scenario);
}

async function play(schedule: Schedule, scenario: Scenario, variant: Variant): Promise<Played> {
  const strategy = following({ runs: twiceRound(schedule) });
  const trace = await new LiveRun(variant).run(strategy);
  const diverged = unknownThread(schedule, variant) ?? strategy.diverged;
  if (diverged !== null) return { schedule, trace, diverged, raised: [], finding: null };
  const raised = await judgeRun(scenario, schedule.variant, trace.steps, loopOf(schedule), schedule.without, schedule.edits);
  const named = raised.find(({ finding }) => schedule.finding === null || finding.id === schedule.finding);
  // With calls left out, what is found may be of that design alone: then it is not shown as a finding of this one.
  return { schedule, trace, diverged, raised, finding: named?.isOfVariant === true ? named : null };
}

/** A loop that comes back to where it began can be gone round again: the second round shows that it does. */
const twiceRound = ({ runs, loop }: Schedule): Schedule['runs'] => (loop === null ? runs : [...runs, ...runs.slice(loop)]);

function loopOf({ runs, loop }: Schedule): LoopOnRun | null {
  const steps = (part: Schedule['runs']) => part.reduce((sum, run) => sum + run.steps, 0);
  return loop === null ? null : { after: steps(runs.slice(0, loop)), length: steps(runs.slice(loop)) };
}

function unknownThread({ runs }: Schedule, { threads }: Variant): Divergence | null {
  const at = runs.findIndex(({ thread }) => !(thread in threads));
  const run = runs[at];
  if (run === undefined) return null;
  const step = 1 + runs.slice(0, at).reduce((sum, { steps }) => sum + steps, 0);
  return {
    step,
    expected: `${run.thread}: ${run.last}`,
    found: `no thread "${run.thread}"; there are ${Object.keys(threads).join(', ')}`,
  };
}

const asJson = ({ schedule, trace, diverged, finding }: Played) =>
  replayJson({ schedule, steps: trace.steps, diverged, finding: finding?.finding ?? null });

function written(played: Played, terminal: Terminal, command: ReplayCommand): readonly string[] {
  switch (command.format) {
    case 'text':
      return asText(played, terminal, command);
    case 'json':
      return [JSON.stringify(asJson(played), null, 2)];
    case 'markdown':
    case 'rst':
      return [render(asDocument(played, command), command.format).trimEnd()];
  }
}

const placesFor = ({ verbose }: ReplayCommand): PlaceOf | null => (verbose ? placesFrom(process.cwd(), bundleMaps) : null);

/** What was played, and what it came to, in a sentence. */
function playedSentence({ schedule, trace, finding }: Played): string {
  const rest = leftOut(schedule.without);
  const played = `${schedule.scenario}/${schedule.variant}: ${count(trace.steps.length, 'step')} played on the live actors${schedule.loop === null ? '' : ', its loop twice'}`;
  if (finding !== null) return `${played}: ${finding.finding.id}.`;
  return `${played}${rest === null ? '' : `, without ${rest}`}.`;
}

const othersOf = ({ raised, finding }: Played): readonly string[] =>
  finding === null ? [] : raised.filter((other) => other !== finding).map((other) => nameFinding(other.finding));

function asText(played: Played, { paint }: Terminal, command: ReplayCommand): readonly string[] {
  const { trace, finding } = played;
  const placeOf = placesFor(command);
  const others = othersOf(played);
  return [
    ...wrap(playedSentence(played)),
    '',
    ...(finding === null
      ? stepList(trace.steps, { paint, placeOf })
      : findingText(finding.finding, { paint, allSteps: command.allSteps, placeOf, replay: null })),
    ...(others.length === 0 ? [] : ['', 'Also on that run:']),
    ...others.flatMap((other) => wrap(other, '  ', '    ')),
  ];
}

function asDocument(played: Played, command: ReplayCommand): Document {
  const { schedule, trace, finding } = played;
  const placeOf = placesFor(command);
  const others = othersOf(played);
  return {
    title: `Replay of ${schedule.scenario}/${schedule.variant}`,
    blocks: [
      { kind: 'paragraph', text: playedSentence(played) },
      ...(finding === null
        ? [{ kind: 'literal' as const, lines: stepList(trace.steps, { paint: plain, placeOf }) }]
        : findingBlocks(finding.finding, { allSteps: command.allSteps, placeOf, replay: null })),
      ...(others.length === 0 ? [] : [{ kind: 'paragraph' as const, text: 'Also on that run:' }]),
      ...(others.length === 0 ? [] : [{ kind: 'list' as const, ordered: false, items: others.map(withCode) }]),
    ],
  };
}

function report(terminal: Terminal, { schedule, diverged, finding, raised }: Played, scenario: Scenario): ExitCode {
  if (diverged !== null) {
    terminal.warn([
      `interlock: The schedule does not fit any more: step ${diverged.step}`,
      `  expected: ${diverged.expected}`,
      `  found:    ${diverged.found}`,
      `Next: it was edited, or the model has changed since; check anew: interlock check ${scenario.name} --variant ${schedule.variant}`,
    ]);
    return EXIT.wrongUse;
  }
  if (finding === null && raised.some(({ isOfVariant }) => !isOfVariant)) {
    terminal.warn([
      'interlock: With the calls that the schedule leaves out, no run was found that comes to this in the same way',
      `Next: it is a finding of another design; check the whole: interlock check ${scenario.name} --variant ${schedule.variant}`,
    ]);
    return EXIT.notAsExpected;
  }
  if (schedule.finding !== null) {
    if (finding !== null) return EXIT.asExpected;
    const instead = raised.length === 0 ? 'nothing' : raised.map(({ finding: { id } }) => id).join(', ');
    terminal.warn([
      `interlock: The schedule fits, but "${schedule.finding}" is not raised any more; ${instead} is`,
      `Next: interlock check ${scenario.name} --variant ${schedule.variant}`,
    ]);
    return EXIT.notAsExpected;
  }
  return raised.some(({ primary, finding: { expected } }) => primary && !expected) ? EXIT.notAsExpected : EXIT.asExpected;
}

export const scheduleLines = (schedule: Schedule): readonly string[] =>
  formatSchedule(schedule)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
