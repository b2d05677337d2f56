/** `interlock list` on the command line. */
import type { Command } from 'commander';
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
