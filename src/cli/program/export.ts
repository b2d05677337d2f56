/** `interlock export` on the command line. */
import { type Command, Option } from 'commander';
import { type ExportCommand, exportVariant } from '../commands/export.ts';
import { exportMachines } from '../commands/export-machines.ts';
import { ModelError } from '../../model/errors.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { MAX_STATES, positive } from './arguments.ts';

const FORMATS = ['promela', 'mermaid'] as const;

interface ExportFlags extends Pick<ExportCommand, 'maxStates'> {
  readonly format: (typeof FORMATS)[number];
  readonly variant?: string;
  readonly machine?: string;
  readonly output?: string;
}

export function addExport(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('export')
    .summary('a scenario for another checker, a chart of a machine')
    .description('Write a scenario as a model for Spin, or draw the machines of its objects.')
    .argument('[scenario]', 'a name or a path; for mermaid, none means all that are shipped')
    .addOption(new Option('--format <NAME>', 'promela, for Spin; mermaid').choices(FORMATS).default('promela'))
    .option('--variant <NAME>', 'promela: which of its variants, if there are several')
    .option('--machine <NAME>', 'mermaid: only the chart of this machine')
    .option('-o, --output <FILE>', 'write it there (default: to stdout)')
    .option('--max-states <N>', 'promela: refuse what has more states', positive, MAX_STATES)
    .action(async (scenario: string | undefined, flags: ExportFlags) => ends(await exported(terminal, scenario, flags)));
  withExamples(
    command,
    { command: 'interlock export my/race.ts -o race.pml', does: 'as Promela' },
    { command: 'spin -a -o3 race.pml', does: 'make a checker of it, then' },
    { command: 'gcc -O2 -w -DSAFETY -DNOREDUCE -o pan pan.c', does: 'compile it; without' },
    { command: '', does: '-DNOREDUCE it stores less' },
    { command: './pan -c0', does: 'and run it: same verdict' },
    { command: 'interlock export --format mermaid --machine mutex', does: 'one chart' },
    { command: 'interlock export --format mermaid -o objects.md', does: 'all, as a page' },
  );
}

async function exported(terminal: Terminal, scenario: string | undefined, flags: ExportFlags): Promise<ExitCode> {
  const { format, variant = null, machine = null, output = null, maxStates } = flags;
  if (format === 'mermaid') {
    if (variant !== null) throw new ModelError('A machine is that of all variants', 'leave --variant out');
    return await exportMachines(terminal, scenario ?? null, { machine, output });
  }
  if (machine !== null) throw new ModelError('One machine is no model for Spin', 'draw it: --format mermaid --machine NAME');
  if (scenario === undefined) throw new ModelError('A model is written of one scenario', 'name it: interlock list shows them');
  return await exportVariant(terminal, scenario, { variant, output, maxStates });
}
