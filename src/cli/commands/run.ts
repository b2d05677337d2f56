/** `interlock run`: one schedule, live, with its steps as they come. */
import { judgeRun } from '../../check/judge-run.ts';
import { scheduleOf } from '../../check/describe.ts';
import { LiveRun } from '../../live/live-run.ts';
import type { Strategy } from '../../live/scheduler.ts';
import { random } from '../../live/strategies/random.ts';
import { roundRobin } from '../../live/strategies/round-robin.ts';
import { ModelError } from '../../model/errors.ts';
import { count, wrap } from '../../reporters/layout.ts';
import { nameFinding } from '../../reporters/finding-text.ts';
import { placesFrom } from '../../reporters/places.ts';
import { standingText } from '../../reporters/standing.ts';
import { StepPrinter } from '../../reporters/step-list.ts';
import type { Trace } from '../../trace/trace.ts';
import { byHand } from '../by-hand.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { bundleMaps } from '../load-file.ts';
import { select } from '../select.ts';
import type { Terminal } from '../terminal.ts';
import { scheduleLines } from './replay.ts';

export const STRATEGIES = ['random', 'round-robin', 'by-hand'] as const;

export interface RunCommand {
  readonly variant: string | null;
  readonly strategy: (typeof STRATEGIES)[number];
  readonly seed: number;
  /** A run that goes on for ever is ended after as many steps. */
  readonly maxSteps: number;
  readonly verbose: boolean;
}

/** @throws ModelError if it is not clear what to run */
export async function run(terminal: Terminal, word: string, command: RunCommand): Promise<ExitCode> {
  const { scenario, name } = await chosen(word, command.variant);
  const variant = scenario.variants[name] as NonNullable<(typeof scenario.variants)[string]>;
  const threads = Object.keys(variant.threads);
  const strategy = bounded(strategyOf(command, threads, terminal), command.maxSteps);
  terminal.print([terminal.paint.strong(`${scenario.name}/${name}, ${strategy.name}`), '']);

  const live = new LiveRun(variant);
  const placeOf = command.verbose ? placesFrom(process.cwd(), bundleMaps) : null;
  const printer = new StepPrinter(
    { paint: terminal.paint, placeOf },
    threads.map((thread) => ({ thread, index: 0 })),
  );
  live.messages.subscribe((message) => {
    if (message.type === 'step') terminal.print(printer.print(message.step));
  });
  const trace = await live.run(strategy);

  const raised = await judgeRun(scenario, name, trace.steps);
  const first = raised[0]?.finding ?? null;
  const schedule = scheduleOf({ scenario, name, variant }, first?.id ?? null, trace, null);
  terminal.print(['', ...ending(trace, strategy)]);
  terminal.print(['', ...standingText(trace)]);
  for (const { finding, steps } of raised)
    terminal.print([
      '',
      ...wrap(`After ${count(steps, 'step')}: ${nameFinding(finding)} (${said(finding)}).`, '', '  ').map(terminal.paint.bad),
    ]);
  if (raised.length === 0) terminal.print(['', 'No finding on this run. Others may have one: interlock check.']);
  if (trace.steps.length > 0) terminal.print(['', 'Schedule, for interlock replay:', ...scheduleLines(schedule)]);
  return raised.some(({ primary, finding }) => primary && !finding.expected) ? EXIT.notAsExpected : EXIT.asExpected;
}

const said = ({ expected, id }: { readonly expected: boolean; readonly id: string }): string =>
  `${expected ? 'expected, ' : ''}${id}`;

async function chosen(word: string, variant: string | null) {
  const { listed, faults } = await select({ scenarios: [word], tags: [], variants: variant === null ? [] : [variant] });
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  const all = listed.flatMap(({ scenario, variants }) => variants.map((name) => ({ scenario, name })));
  const [only] = all;
  if (only !== undefined && all.length === 1) return only;
  if (listed.length > 1) throw new ModelError(`"${word}" means ${count(listed.length, 'scenario')}`, 'name one of them');
  const names = all.map(({ name }) => name);
  throw new ModelError(
    `The scenario has ${count(names.length, 'variant')}, and one is run`,
    `--variant ${names.join(', --variant ')}`,
  );
}

function strategyOf({ strategy, seed }: RunCommand, threads: readonly string[], terminal: Terminal): Strategy {
  switch (strategy) {
    case 'random':
      return random(seed);
    case 'round-robin':
      return roundRobin(threads);
    case 'by-hand':
      return byHand(terminal);
  }
}

interface Bounded extends Strategy {
  readonly reachedBound: boolean;
}

function bounded(strategy: Strategy, maxSteps: number): Bounded {
  let steps = 0;
  return {
    name: strategy.name,
    get reachedBound() {
      return steps > maxSteps;
    },
    choose: (options, last) => (++steps > maxSteps ? null : strategy.choose(options, last)),
  };
}

function ending({ steps, standing }: Trace, { reachedBound }: Bounded): readonly string[] {
  const ended = standing.every(({ kind, status }) => kind === 'daemon' || status !== 'running');
  const moving = standing.some(({ status, blocked }) => status === 'running' && !blocked);
  const why = reachedBound
    ? 'stopped there: the run goes on (--max-steps)'
    : ended
      ? 'no task has anything left to do'
      : moving
        ? 'stopped by hand'
        : 'nobody can move any more';
  return wrap(`${count(steps.length, 'step')}; ${why}.`);
}
