/** `interlock run` on the command line. */
import { type Command, Option } from 'commander';
import { type RunCommand, run, STRATEGIES } from '../commands/run.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { positive, whole } from './arguments.ts';

const MAX_STEPS = 1000;

interface RunFlags extends Omit<RunCommand, 'variant'> {
  readonly variant?: string;
}

export function addRun(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
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
