/** `interlock coverage` on the command line. */
import { type Command, Option } from 'commander';
import { DOCUMENT_FORMATS } from '../../document/render.ts';
import { coverage, type CoverageFormat } from '../commands/coverage.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { MAX_STATES, positive, type Selecting, selecting } from './arguments.ts';

interface CoverageFlags extends Selecting {
  readonly format: CoverageFormat;
  readonly json: boolean;
  readonly maxStates: number;
  readonly jobs?: number;
}

export function addCoverage(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = selecting(
    program
      .command('coverage')
      .summary('what the scenarios reach, and what none of them does')
      .description('Say what of machines and kernel code scenarios reach, and which calls race.'),
  )
    .addOption(
      new Option('--format <NAME>', 'text, markdown, rst, html, json').choices([...DOCUMENT_FORMATS, 'json']).default('text'),
    )
    .addOption(new Option('--json', '--format json: interlock.coverage/1').default(false).conflicts('format'))
    .option('--max-states <N>', 'stop the search of a variant there', positive, MAX_STATES)
    .option('-j, --jobs <N>', 'variants at a time (default: one for each core)', positive)
    .action(async (scenarios: string[], { tag, variant, format, json, maxStates, jobs }: CoverageFlags) =>
      ends(
        await coverage(
          terminal,
          { scenarios, tags: tag, variants: variant },
          { format: json ? 'json' : format, maxStates, jobs: jobs ?? null },
        ),
      ),
    );
  withExamples(
    command,
    { command: 'interlock coverage', does: 'of everything that is shipped' },
    { command: 'interlock coverage my/race.ts', does: 'of a scenario of your own' },
    { command: 'interlock coverage --format html > coverage.html', does: 'as a page' },
  );
}
