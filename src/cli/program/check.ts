/** `interlock check` on the command line. */
import { type Command, Option } from 'commander';
import { type How, STRATEGIES, type StrategyName, USUALLY } from '../../check/strategy.ts';
import { USUAL_CHECKPOINTS } from '../checkpoints.ts';
import { check, type CheckCommand, FORMATS } from '../commands/check.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { bytes, MAX_STATES, natural, positive, seconds, type Selecting, selecting, whole } from './arguments.ts';

interface CheckFlags extends Selecting {
  readonly format: CheckCommand['format'];
  readonly json: boolean;
  readonly maxStates: number;
  readonly jobs?: number;
  readonly strategy: StrategyName;
  readonly preemptions?: number;
  readonly dependence: How['dependence'];
  readonly turns: number;
  readonly runs: number;
  readonly seed: number;
  readonly depth: number;
  readonly resume: boolean;
  readonly workers: number;
  readonly checkpoints: string;
  readonly maxMemory?: number;
  readonly time?: number;
  readonly shrink: boolean;
  readonly allSteps: boolean;
  readonly schedules?: string;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

export function addCheck(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = selecting(
    program
      .command('check')
      .summary('explore the interleavings, report what breaks')
      .description('Explore the interleavings of scenarios and report what breaks.'),
  )
    .addOption(
      new Option('--strategy <NAME>', 'auto, plain, reduced, dpor, bitstate, pct, pos, random')
        .choices(STRATEGIES)
        .default(USUALLY.strategy),
    )
    .option('--preemptions <K>', 'only schedules with at most K preemptions', natural)
    .option('--max-states <N>', 'stop the search of a variant there', positive, MAX_STATES)
    .option('--max-memory <SIZE>', 'stop there: 500M, 4G', bytes)
    .option('--time <DURATION>', 'stop each variant then: 90s, 10m, 2h', seconds)
    .option('--workers <N>', 'share one search among N threads', positive, USUALLY.workers)
    .option('--resume', 'go on where the search was stopped', false)
    .option('--checkpoints <DIR>', 'where stopped searches are kept', USUAL_CHECKPOINTS)
    .addOption(
      new Option('--dependence <NAME>', 'of dpor: location, or values: equal writes commute')
        .choices(['location', 'values'])
        .default(USUALLY.dependence),
    )
    .option('--turns <N>', 'of dpor: how often a thread goes round a loop', positive, USUALLY.turns)
    .option('--runs <N>', 'of pct, pos and random', positive, USUALLY.runs)
    .option('-s, --seed <N>', 'of pct, pos and random', whole, USUALLY.seed)
    .option('--depth <D>', 'of pct: orders of two steps that a bug needs', positive, USUALLY.depth)
    .option('-j, --jobs <N>', 'variants at a time (default: one for each core)', positive)
    .option('--schedules <DIR>', 'write the schedules of findings there (default: schedules/)')
    .option('--no-shrink', 'counterexamples with all calls and threads')
    .option('--all-steps', 'diagrams without elisions', false)
    .addOption(new Option('--format <NAME>', 'text, markdown, rst, json, sarif').choices(FORMATS).default('text'))
    .addOption(new Option('--json', '--format json: interlock.check/1, with schedules').default(false).conflicts('format'))
    .addOption(new Option('-q, --quiet', 'a line or two for each variant').default(false).conflicts('verbose'))
    .option('-v, --verbose', 'all reports in full, with every step and its source', false)
    .action(async (scenarios: string[], flags: CheckFlags) =>
      ends(
        await check(
          terminal,
          { scenarios, tags: flags.tag, variants: flags.variant },
          {
            ...flags,
            format: flags.json ? 'json' : flags.format,
            schedules: flags.schedules ?? null,
            jobs: flags.jobs ?? (flags.workers > 1 ? 1 : null),
            job: jobOf(flags),
          },
        ),
      ),
    );
  withExamples(
    command,
    { command: 'interlock check', does: 'everything that is shipped' },
    { command: 'interlock check refcount-read-set', does: 'one scenario, all its variants' },
    { command: 'interlock check --tag seed-002 --variant rfc', does: 'one variant of many' },
    { command: 'interlock check my/race.ts', does: 'a scenario file of your own' },
    { command: "interlock check 'races/**/*.ts' --json", does: 'many of them, for a program' },
    { command: 'interlock check my/race.ts --format rst', does: 'as a document' },
    { command: 'interlock check my/race.ts --strategy dpor', does: 'also data races' },
    { command: 'interlock check my/race.ts --preemptions 2', does: 'few preemptions' },
    { command: 'interlock check my/race.ts --strategy pct', does: 'what is too big' },
  );
}

const jobOf = (flags: CheckFlags): CheckCommand['job'] => ({
  checkpoints: flags.checkpoints,
  resume: flags.resume,
  command: ['interlock', ...process.argv.slice(2).filter((word) => word !== '--resume')].join(' '),
  search: {
    maxStates: flags.maxStates,
    maxMemory: flags.maxMemory ?? null,
    maxSeconds: flags.time ?? null,
    shrink: flags.shrink,
    how: {
      strategy: flags.strategy,
      preemptions: flags.preemptions ?? null,
      dependence: flags.dependence,
      turns: flags.turns,
      runs: flags.runs,
      seed: flags.seed,
      depth: flags.depth,
      workers: flags.workers,
    },
  },
});
