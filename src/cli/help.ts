/** Help that begins with examples and fits a screen. */
import type { Command, Help, Option } from 'commander';

export interface Example {
  readonly command: string;
  readonly does: string;
}

const examplesOf = new WeakMap<Command, readonly Example[]>();

export const withExamples = (command: Command, ...examples: readonly Example[]): Command => {
  examplesOf.set(command, examples);
  return command;
};

const EXIT_STATUS =
  'Exit status: 0 as expected, 1 not as expected, 2 wrong use or a faulty scenario,\n3 cut by a bound with nothing unexpected, 4 internal error';

export function formatHelp(command: Command, helper: Help): string {
  const options = helper
    .visibleOptions(command)
    .map((option) => [helper.optionTerm(option).replace(/[<>]/g, ''), describe(option)] as const);
  const commands = helper
    .visibleCommands(command)
    .map((sub) => [helper.subcommandTerm(sub).replace(' [options]', ''), helper.subcommandDescription(sub)] as const);
  const examples = (examplesOf.get(command) ?? []).map(({ command: line, does }) => [line, does] as const);
  return [
    `Usage: ${helper.commandUsage(command)}`,
    helper.commandDescription(command),
    section('Examples', examples),
    section('Commands', commands),
    section('Options', options),
    EXIT_STATUS,
    '',
  ]
    .filter((part) => part !== null)
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

/** Commander would write `(default: false)` after each switch. */
const describe = ({ description, defaultValue }: Option): string =>
  typeof defaultValue === 'number' ? `${description} (default: ${defaultValue})` : description;

const MOST_TERM = 46;

function section(title: string, rows: readonly (readonly [string, string])[]): string | null {
  if (rows.length === 0) return null;
  const width = Math.min(MOST_TERM, Math.max(...rows.map(([term]) => term.length)));
  const lines = rows.map(([term, text]) =>
    term.length <= width ? `  ${term.padEnd(width)}  ${text}` : `  ${term}\n  ${' '.repeat(width)}  ${text}`,
  );
  return [`${title}:`, ...lines].join('\n');
}
