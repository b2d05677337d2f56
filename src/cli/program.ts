/** The commands with their options: what can be written on the command line, and nothing of what it does. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type How, STRATEGIES as SEARCHES, type StrategyName, USUALLY } from '../check/strategy.ts';
import { check, type CheckCommand } from './commands/check.ts';
import { type ExportCommand, exportVariant, FORMATS } from './commands/export.ts';
import { list } from './commands/list.ts';
import { replay } from './commands/replay.ts';
import { type RunCommand, run, STRATEGIES } from './commands/run.ts';
import { USUAL_CHECKPOINTS } from './checkpoints.ts';
import type { ExitCode } from './exit.ts';
import { formatHelp, withExamples } from './help.ts';
import { version } from './package.ts';
import type { Terminal } from './terminal.ts';

const MAX_STATES = 2_000_000;
const MAX_STEPS = 1000;

/** @param ends is told with which code a command ended */
export function programFor(terminal: Terminal, ends: (code: ExitCode) => void): Command {
  const program = new Command('interlock')
    .description('An executable model of Linux VFIO: finds, explains and replays races.')
    .helpCommand('help [command]', 'the help of a command')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this, or the help of a command')
    .configureHelp({ formatHelp })
    .exitOverride();
  withExamples(
    program,
    { command: 'interlock list', does: 'what there is to check' },
    { command: 'interlock check', does: 'check everything that is shipped' },
    { command: 'interlock check refcount-read-set', does: 'one scenario, with its reports' },
    { command: 'interlock check my/race.ts', does: 'a scenario file of your own' },
    { command: 'interlock replay schedules/FILE', does: 'play a finding again' },
  );
  addList(program, terminal, ends);
  addCheck(program, terminal, ends);
  addReplay(program, terminal, ends);
  addRun(program, terminal, ends);
  addExport(program, terminal, ends);
  return program;
}

interface Selecting {
  readonly tag: readonly string[];
  readonly variant: readonly string[];
}

const selecting = (command: Command): Command =>
  command
    .argument('[scenario...]', 'names, paths and patterns; none means all that are shipped')
    .option('-t, --tag <TAG>', 'only scenarios with this tag or id (may be repeated)', collect, [])
    .option('--variant <NAME>', 'only variants of this name (may be repeated)', collect, []);

function addList(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = selecting(
    program
      .command('list')
      .summary('what there is to check')
      .description('List scenarios with their variants, and what they expect.'),
  )
    .option('--json', 'print interlock.list/1', false)
    .action(async (scenarios: string[], { tag, variant, json }: Selecting & { json: boolean }) =>
      ends(await list(terminal, { scenarios, tags: tag, variants: variant }, { json })),
    );
  withExamples(
    command,
    { command: 'interlock list', does: 'all that are shipped' },
    { command: "interlock list 'refcount-*'", does: 'those whose name matches' },
    { command: 'interlock list --tag seed-002', does: 'those with a tag' },
    { command: 'interlock list --json', does: 'for programs' },
  );
}

interface CheckFlags extends Selecting {
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

function addCheck(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = selecting(
    program
      .command('check')
      .summary('explore the interleavings, report what breaks')
      .description('Explore the interleavings of scenarios and report what breaks.'),
  )
    .addOption(
      new Option('--strategy <NAME>', 'auto, plain, reduced, dpor, bitstate, pct, pos, random')
        .choices(SEARCHES)
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
    .option('--json', 'print interlock.check/1, schedules included', false)
    .addOption(new Option('-q, --quiet', 'a line or two for each variant').default(false).conflicts('verbose'))
    .option('-v, --verbose', 'all reports in full, with every step and its source', false)
    .action(async (scenarios: string[], flags: CheckFlags) =>
      ends(
        await check(
          terminal,
          { scenarios, tags: flags.tag, variants: flags.variant },
          { ...flags, schedules: flags.schedules ?? null, jobs: flags.jobs ?? (flags.workers > 1 ? 1 : null), job: jobOf(flags) },
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

interface ReplayFlags {
  readonly json: boolean;
  readonly allSteps: boolean;
  readonly verbose: boolean;
  readonly scenario?: string;
}

function addReplay(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('replay')
    .summary('play one schedule on the live actors')
    .description('Play one schedule on the live actors, and say which finding it leads to.')
    .argument('[schedule...]', 'a file, "-" for stdin, or the text itself; else $INTERLOCK_SCHEDULE')
    .option('--scenario <FILE>', 'the file that defines its scenario, if it is not shipped')
    .option('--all-steps', 'a diagram without elisions', false)
    .option('--json', 'print interlock.replay/1', false)
    .option('-v, --verbose', 'also every step and its source', false)
    .action(async (words: string[], flags: ReplayFlags) =>
      ends(await replay(terminal, words, { ...flags, scenario: flags.scenario ?? null })),
    );
  withExamples(
    command,
    { command: 'interlock replay schedules/FILE', does: 'a schedule that check wrote' },
    { command: "interlock replay 'interlock/1 ...'", does: 'one that is pasted from a mail' },
    { command: 'interlock replay - --scenario my/race.ts', does: 'of your own, from stdin' },
  );
}

interface RunFlags extends Omit<RunCommand, 'variant'> {
  readonly variant?: string;
}

function addRun(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('run')
    .summary('run one schedule live, with its steps')
    .description('Run one schedule of a scenario live, with its steps as they come.')
    .argument('<scenario>', 'a name or a path')
    .option('--variant <NAME>', 'which of its variants, if there are several')
    .option('-s, --seed <N>', 'of the random choices', whole, 1)
    .addOption(
      new Option('--strategy <NAME>', 'who goes next: random, round-robin or by-hand').choices(STRATEGIES).default('random'),
    )
    .option('--max-steps <N>', 'end a run that goes on for ever', positive, MAX_STEPS)
    .option('-v, --verbose', 'also where each step stands in the source', false)
    .action(async (scenario: string, { variant, ...flags }: RunFlags) =>
      ends(await run(terminal, scenario, { ...flags, variant: variant ?? null })),
    );
  withExamples(
    command,
    { command: 'interlock run refcount-read-set --variant rfc --seed 7', does: 'at random; a seed repeats it' },
    { command: 'interlock run my/race.ts --strategy round-robin', does: 'one step each in turn' },
    { command: 'interlock run my/race.ts --strategy by-hand', does: 'you say who goes next' },
  );
}

interface ExportFlags extends Omit<ExportCommand, 'variant' | 'output'> {
  readonly variant?: string;
  readonly output?: string;
}

function addExport(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('export')
    .summary('write a scenario for another checker')
    .description('Explore a scenario, and write what was learned as a model for another checker.')
    .argument('<scenario>', 'a name or a path')
    .addOption(new Option('--format <NAME>', 'promela, for Spin').choices(FORMATS).default('promela'))
    .option('--variant <NAME>', 'which of its variants, if there are several')
    .option('-o, --output <FILE>', 'write it there (default: to stdout)')
    .option('--max-states <N>', 'refuse what has more states', positive, MAX_STATES)
    .action(async (scenario: string, { variant, output, ...flags }: ExportFlags) =>
      ends(await exportVariant(terminal, scenario, { ...flags, variant: variant ?? null, output: output ?? null })),
    );
  withExamples(
    command,
    { command: 'interlock export my/race.ts -o race.pml', does: 'as Promela' },
    { command: 'spin -a -o3 race.pml', does: 'make a checker of it, then' },
    { command: 'gcc -O2 -w -DSAFETY -DNOREDUCE -o pan pan.c', does: 'compile it; without' },
    { command: '', does: '-DNOREDUCE it stores less' },
    { command: './pan -c0', does: 'and run it: same verdict' },
  );
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function positive(text: string): number {
  const n = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('It is a whole number from 1.');
  return n;
}

function natural(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('It is a whole number from 0.');
  return n;
}

function whole(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || Math.abs(n) > 0x7fff_ffff) throw new InvalidArgumentError('It is a whole number of 32 bits.');
  return n;
}

/** With a unit of thousands, as memory is sold. @returns bytes */
const bytes = measured('It is a size: 500M, 4G.', { K: 1e3, M: 1e6, G: 1e9 });
const seconds = measured('It is a duration: 90s, 10m, 2h.', { s: 1, m: 60, h: 3600 });

function measured(hint: string, units: Readonly<Record<string, number>>): (text: string) => number {
  return (text) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)([a-zA-Z])$/.exec(text) ?? [];
    const size = units[unit ?? ''];
    if (number === undefined || size === undefined || Number(number) === 0) throw new InvalidArgumentError(hint);
    return Number(number) * size;
  };
}
