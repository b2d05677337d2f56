/** `interlock export` on the command line. */
import { type Command, Option } from 'commander';
import { type ExportCommand, exportVariant, FORMATS } from '../commands/export.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { MAX_STATES, positive } from './arguments.ts';

interface ExportFlags extends Omit<ExportCommand, 'variant' | 'output'> {
  readonly variant?: string;
  readonly output?: string;
}

export function addExport(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
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
