/** `interlock replay` on the command line. */
import { type Command, Option } from 'commander';
import { FORMATS, replay, type ReplayCommand } from '../commands/replay.ts';
import { replayFolder } from '../commands/replay-folder.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import { folderIn } from '../read-schedule.ts';
import type { Terminal } from '../terminal.ts';

interface ReplayFlags {
  readonly format: ReplayCommand['format'];
  readonly json: boolean;
  readonly allSteps: boolean;
  readonly verbose: boolean;
  readonly scenario?: string;
  readonly bestEffort: boolean;
}

export function addReplay(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('replay')
    .summary('play schedules on the live actors')
    .description(
      'Play a schedule on the live actors, and say which finding it leads to. It is a\n' +
        'file, "-" for stdin, or the text itself; if none is given, what is in the\n' +
        'environment as INTERLOCK_SCHEDULE. Of a folder all are played.',
    )
    .argument('[schedule...]', 'a file, a folder, "-" for stdin, or the text itself; else $INTERLOCK_SCHEDULE')
    .option('--scenario <FILE>', 'the file that defines its scenario, if it is not shipped')
    .option('--best-effort', 'where it does not fit, play it as far as it can be', false)
    .option('--all-steps', 'a diagram without elisions', false)
    .addOption(new Option('--format <NAME>', 'text, markdown, rst, json').choices(FORMATS).default('text'))
    .addOption(
      new Option('--json', '--format json: interlock.replay/1, of a folder replays/1').default(false).conflicts('format'),
    )
    .option('-v, --verbose', 'also every step and its source', false)
    .action(async (words: string[], flags: ReplayFlags) => {
      const asked = { ...flags, format: flags.json ? 'json' : flags.format, scenario: flags.scenario ?? null } as const;
      const folder = folderIn(words);
      ends(folder === null ? await replay(terminal, words, asked) : await replayFolder(terminal, folder, asked));
    });
  withExamples(
    command,
    { command: 'interlock replay schedules/FILE', does: 'a schedule that check wrote' },
    { command: 'interlock replay schedules', does: 'all of them, with a line for each' },
    { command: "interlock replay 'interlock/1 ...'", does: 'one that is pasted from a mail' },
    { command: 'interlock replay - --scenario my/race.ts', does: 'of your own, from stdin' },
  );
}
