/** The commands: what can be written on the command line, each in a file of its own, and nothing of what it does. */
import { Command } from 'commander';
import type { ExitCode } from './exit.ts';
import { formatHelp, withExamples } from './help.ts';
import { version } from './package.ts';
import { addCheck } from './program/check.ts';
import { addExport } from './program/export.ts';
import { addList } from './program/list.ts';
import { addReplay } from './program/replay.ts';
import { addReview } from './program/review.ts';
import { addRun } from './program/run.ts';
import type { Terminal } from './terminal.ts';

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
  addReview(program, terminal, ends);
  addReplay(program, terminal, ends);
  addRun(program, terminal, ends);
  addExport(program, terminal, ends);
  return program;
}
