/** `interlock list` on the command line. */
import { type Command, Option } from 'commander';
import { list } from '../commands/list.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { type Selecting, selecting } from './arguments.ts';

export function addList(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = selecting(
    program
      .command('list')
      .summary('what there is to check')
      .description('List scenarios with their variants, and what they expect.'),
  )
    .option('--ids', 'only each id with the scenarios that cover it', false)
    .addOption(new Option('--json', 'print interlock.list/1').default(false).conflicts('ids'))
    .action(async (scenarios: string[], { tag, variant, ids, json }: Selecting & { ids: boolean; json: boolean }) =>
      ends(await list(terminal, { scenarios, tags: tag, variants: variant }, { ids, json })),
    );
  withExamples(
    command,
    { command: 'interlock list', does: 'all that are shipped' },
    { command: "interlock list 'refcount-*'", does: 'those whose name matches' },
    { command: 'interlock list --tag seed-002', does: 'those with a tag' },
    { command: 'interlock list --ids', does: 'which defect is shown where' },
    { command: 'interlock list --json', does: 'for programs' },
  );
}
