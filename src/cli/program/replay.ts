/** `interlock replay` on the command line. */
import { type Command, Option } from 'commander';
import { FORMATS, replay, type ReplayCommand } from '../commands/replay.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';

interface ReplayFlags {
  readonly format: ReplayCommand['format'];
  readonly json: boolean;
  readonly allSteps: boolean;
  readonly verbose: boolean;
  readonly scenario?: string;
}

export function addReplay(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('replay')
    .summary('play one schedule on the live actors')
    .description('Play one schedule on the live actors, and say which finding it leads to.')
    .argument('[schedule...]', 'a file, "-" for stdin, or the text itself; else $INTERLOCK_SCHEDULE')
    .option('--scenario <FILE>', 'the file that defines its scenario, if it is not shipped')
    .option('--all-steps', 'a diagram without elisions', false)
    .addOption(new Option('--format <NAME>', 'text, markdown, rst, json').choices(FORMATS).default('text'))
    .addOption(new Option('--json', '--format json: interlock.replay/1').default(false).conflicts('format'))
    .option('-v, --verbose', 'also every step and its source', false)
    .action(async (words: string[], flags: ReplayFlags) =>
      ends(
        await replay(terminal, words, { ...flags, format: flags.json ? 'json' : flags.format, scenario: flags.scenario ?? null }),
      ),
    );
  withExamples(
    command,
    { command: 'interlock replay schedules/FILE', does: 'a schedule that check wrote' },
    { command: "interlock replay 'interlock/1 ...'", does: 'one that is pasted from a mail' },
    { command: 'interlock replay - --scenario my/race.ts', does: 'of your own, from stdin' },
  );
}
