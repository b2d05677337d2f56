/** `interlock review` on the command line. */
import { type Command, Option } from 'commander';
import { review, type ReviewCommand, REVIEW_FORMATS, REVIEW_STRATEGIES } from '../commands/review.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { bytes, MAX_STATES, positive, seconds, type Selecting, selecting } from './arguments.ts';

interface ReviewFlags extends Selecting {
  readonly format: ReviewCommand['format'];
  readonly json: boolean;
  readonly output?: string;
  readonly maxStates: number;
  readonly maxMemory?: number;
  readonly time?: number;
  readonly jobs?: number;
  readonly fixes: boolean;
  readonly loadBearing: boolean;
  readonly strategy: ReviewCommand['strategy'];
}

export function addReview(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = selecting(
    program
      .command('review')
      .summary('the locking of a design, for a patch')
      .description('Explore scenarios, and write what that says of their locking.'),
  )
    .addOption(new Option('--format <NAME>', 'text, markdown, rst, html or json').choices(REVIEW_FORMATS).default('text'))
    .addOption(new Option('--json', 'as --format json: interlock.review/1').default(false).conflicts('format'))
    .option('-o, --output <FILE>', 'write it there (default: to stdout)')
    .option('--no-fixes', 'try no changes that may mend findings: quicker')
    .option('--load-bearing', 'also what breaks without each lock and reference: minutes', false)
    .addOption(new Option('--strategy <NAME>', 'auto, plain, reduced').choices(REVIEW_STRATEGIES).default('auto'))
    .option('--max-states <N>', 'stop the search of a variant there', positive, MAX_STATES)
    .option('--max-memory <SIZE>', 'stop there: 500M, 4G', bytes)
    .option('--time <DURATION>', 'stop each variant then: 90s, 10m, 2h', seconds)
    .option('-j, --jobs <N>', 'variants at a time (default: one for each core)', positive)
    .action(async (scenarios: string[], flags: ReviewFlags) =>
      ends(
        await review(
          terminal,
          { scenarios, tags: flags.tag, variants: flags.variant },
          {
            format: flags.json ? 'json' : flags.format,
            output: flags.output ?? null,
            jobs: flags.jobs ?? null,
            fixes: flags.fixes,
            loadBearing: flags.loadBearing,
            strategy: flags.strategy,
            search: { maxStates: flags.maxStates, maxMemory: flags.maxMemory ?? null, maxSeconds: flags.time ?? null },
          },
        ),
      ),
    );
  withExamples(
    command,
    { command: 'interlock review refcount-read-set', does: 'one scenario, as a mail' },
    { command: 'interlock review my/race.ts --format html -o r.html', does: 'your own, as a page' },
    { command: 'interlock review NAME --format rst', does: 'for Documentation/' },
    { command: 'interlock review NAME --json', does: 'for a program' },
  );
}
