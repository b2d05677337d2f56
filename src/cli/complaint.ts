/** What goes wrong with a command, as its user reads it: what, and what to do. Never a stack of JavaScript. */
import { ModelError, messageOf } from '../model/errors.ts';
import { ascii } from '../reporters/layout.ts';
import { placesFrom } from '../reporters/places.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { bundleMaps } from './load-file.ts';
import type { Terminal } from './terminal.ts';

/** Wrong use, or a scenario, machine or schedule that is at fault; else the checker itself is. */
export function complain(terminal: Terminal, error: unknown, about: string | null = null): ExitCode {
  const where = about === null ? '' : `${about}: `;
  const isTheirs = error instanceof ModelError;
  const next = isTheirs
    ? error.next
    : 'this is no finding about the kernel; please report it, with the scenario, the command and what INTERLOCK_STACK=1 adds';
  terminal.warn([
    ...inSource(`interlock: ${isTheirs ? '' : 'internal error: '}${where}${messageOf(error)}`),
    ...(next === null ? [] : inSource(`Next: ${next}`)),
    ...(isTheirs || process.env['INTERLOCK_STACK'] === undefined ? [] : [String((error as { stack?: unknown }).stack)]),
  ]);
  return isTheirs ? EXIT.wrongUse : EXIT.internal;
}

/** A place in what was built says nothing to who wrote the source. */
function inSource(text: string): readonly string[] {
  const placeOf = placesFrom(process.cwd(), bundleMaps);
  return ascii(
    text.replace(/(\/[^\s():]+\.m?js):(\d+):(\d+)/g, (asIs, file: string, line: string, column: string) => {
      return placeOf({ file, line: Number(line), column: Number(column) }) ?? asIs;
    }),
  ).split('\n');
}
