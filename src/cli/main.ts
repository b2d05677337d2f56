/** The command `interlock`. */
import { CommanderError } from 'commander';
import { complain } from './complaint.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { programFor } from './program.ts';
import { openTerminal, type Terminal } from './terminal.ts';

async function main(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let ended: ExitCode = EXIT.asExpected;
  const program = programFor(terminal, (code) => {
    ended = code;
  });
  for (const command of [program, ...program.commands])
    command.configureOutput({ outputError: (message, write) => write(inOurWords(message)) });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return ended;
  } catch (error) {
    if (!(error instanceof CommanderError)) return complain(terminal, error);
    // Help that was asked for is no error; help for want of a command is.
    return error.exitCode === 0 ? EXIT.asExpected : EXIT.wrongUse;
  }
}

/** Commander says `error: what` and `(Did you mean list?)`. */
function inOurWords(message: string): string {
  const [what = '', ...hints] = message.trim().split('\n');
  const near = /\(Did you mean (?:one of )?(.*)\?\)/.exec(hints.join(' '))?.[1];
  const next = near === undefined ? 'interlock --help, or interlock COMMAND --help' : `did you mean ${near}?`;
  return `interlock: ${what.replace(/^error: /, '')}\nNext: ${next}\n`;
}

process.exitCode = await main(process.argv.slice(2), openTerminal());
