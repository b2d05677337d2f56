/** `interlock diff` on the command line. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DOCUMENT_FORMATS } from '../../document/render.ts';
import { diffVariants, type DiffFormat } from '../commands/diff.ts';
import type { ExitCode } from '../exit.ts';
import { withExamples } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import { MAX_STATES, positive, seconds } from './arguments.ts';

interface DiffFlags {
  readonly format: DiffFormat;
  readonly json: boolean;
  readonly thread: ReadonlyMap<string, string>;
  readonly maxStates: number;
  readonly time?: number;
}

export function addDiff(program: Command, terminal: Terminal, ends: (code: ExitCode) => void): void {
  const command = program
    .command('diff')
    .summary('compare two designs of one scenario')
    .description("Compare two variants: findings, outcomes, lock orders, and A's failures on B.")
    .argument('<scenario>', 'a name or a path')
    .argument('<A>', 'a variant: the design before')
    .argument('<B>', 'a variant: the design after')
    .option('--thread <A=B>', 'the thread of B that stands for one of A (may be repeated)', pairing, new Map())
    .addOption(
      new Option('--format <NAME>', 'text, markdown, rst, html, json').choices([...DOCUMENT_FORMATS, 'json']).default('text'),
    )
    .addOption(new Option('--json', '--format json: interlock.diff/1').default(false).conflicts('format'))
    .option('--max-states <N>', 'stop the search of a variant there', positive, MAX_STATES)
    .option('--time <DURATION>', 'stop each variant then: 90s, 10m, 2h', seconds)
    .action(async (scenario: string, a: string, b: string, { format, json, thread, maxStates, time }: DiffFlags) =>
      ends(
        await diffVariants(
          terminal,
          { scenario, a, b },
          { format: json ? 'json' : format, threads: thread, maxStates, maxSeconds: time ?? null },
        ),
      ),
    );
  withExamples(
    command,
    { command: 'interlock diff minor-before-device open-without-lock rfc', does: 'what a lock keeps out' },
    { command: 'interlock diff refcount-read-set rfc merged --format rst', does: 'to attach to a patch' },
  );
}

/** `a=b`: b stands for a. */
function pairing(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, a, b] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  if (a === undefined || b === undefined) throw new InvalidArgumentError('It is two threads: registrar_a=registrar.');
  return new Map([...before, [a, b]]);
}
