/** `interlock diff`: two designs of one scenario, side by side. */
import type { CheckResult } from '../../check/check.ts';
import { type Diff, diff } from '../../diff/diff.ts';
import { type DocumentFormat, render } from '../../document/render.ts';
import { ModelError } from '../../model/errors.ts';
import type { Scenario } from '../../model/scenario.ts';
import { diffDocument } from '../../reporters/diff-document.ts';
import { diffJson } from '../../reporters/diff-json.ts';
import { count } from '../../reporters/layout.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { variantNamed } from '../find.ts';
import { onInterrupt } from '../interrupt.ts';
import { ProgressLine } from '../progress-line.ts';
import { select } from '../select.ts';
import type { Terminal } from '../terminal.ts';

export type DiffFormat = DocumentFormat | 'json';

export interface DiffCommand {
  readonly format: DiffFormat;
  /** The thread of B that stands for one of A. */
  readonly threads: ReadonlyMap<string, string>;
  readonly maxStates: number;
  readonly maxSeconds: number | null;
}

export interface Designs {
  readonly scenario: string;
  readonly a: string;
  readonly b: string;
}

/** @throws ModelError if it is not clear what is meant, or if its file is faulty */
export async function diffVariants(
  terminal: Terminal,
  { scenario: word, a, b }: Designs,
  command: DiffCommand,
): Promise<ExitCode> {
  const scenario = await oneScenario(word);
  for (const name of [a, b]) variantNamed(scenario, name);
  if (a === b) throw new ModelError(`"${a}" is compared with itself`, otherVariants(scenario, a));
  const result = await compared(terminal, scenario, [a, b], command);
  const { format } = command;
  terminal.print([
    format === 'json' ? JSON.stringify(diffJson(result), null, 2) : render(diffDocument(result), format).trimEnd(),
  ]);
  return worst([...result.checks.map(codeOf), ...result.cuts.map((cut) => (cut === null ? EXIT.asExpected : EXIT.cut))]);
}

function otherVariants({ variants }: Scenario, name: string): string {
  const others = Object.keys(variants).filter((other) => other !== name);
  return others.length === 0 ? 'the scenario has no other variant' : `there are also: ${others.join(', ')}`;
}

async function oneScenario(word: string): Promise<Scenario> {
  const { listed, faults } = await select({ scenarios: [word], tags: [], variants: [] });
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  const [only] = listed;
  if (only !== undefined && listed.length === 1) return only.scenario;
  throw new ModelError(`"${word}" means ${count(listed.length, 'scenario')}`, 'name one of them');
}

async function compared(
  terminal: Terminal,
  scenario: Scenario,
  [a, b]: readonly [string, string],
  { threads, maxStates, maxSeconds }: DiffCommand,
): Promise<Diff> {
  const interrupt = onInterrupt(terminal);
  const progress = new ProgressLine(terminal.isWatched, 1);
  const name = `${scenario.name}: ${a}, ${b}`;
  progress.begin(name);
  try {
    return await diff(scenario, a, b, {
      threads,
      maxStates,
      maxSeconds,
      onProgress: (now) => {
        if (now !== null) progress.update(name, now);
        return interrupt.reason;
      },
    });
  } finally {
    progress.end(name);
    interrupt.end();
  }
}

/** Each design is held against what the scenario expects of it: that one has findings is no failure of the comparison. */
function codeOf({ outcome }: CheckResult): ExitCode {
  if (outcome === 'as-expected') return EXIT.asExpected;
  return outcome === 'cut' ? EXIT.cut : EXIT.notAsExpected;
}
