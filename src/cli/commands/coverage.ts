/** `interlock coverage`: what the searches of the chosen scenarios have reached together. */
import { relative } from 'node:path';
import { type Covered, merge } from '../../coverage/merge.ts';
import { type DocumentFormat, render } from '../../document/render.ts';
import { coverageDocument } from '../../reporters/coverage-document.ts';
import { coverageJson } from '../../reporters/coverage-json.ts';
import { complain } from '../complaint.ts';
import { CoveragePool, type CoverResult, type CoverWatch } from '../coverage-pool.ts';
import type { CoverOrder } from '../coverage-worker.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { onInterrupt } from '../interrupt.ts';
import { shippedCode } from '../kernel-code.ts';
import { ProgressLine } from '../progress-line.ts';
import { select, type Wanted } from '../select.ts';
import type { Terminal } from '../terminal.ts';

export type CoverageFormat = DocumentFormat | 'json';

/** One variant, and where it is found. */
type Wanting = Pick<CoverOrder, 'file' | 'shipped' | 'scenario' | 'variant'>;

export interface CoverageCommand {
  readonly format: CoverageFormat;
  readonly maxStates: number;
  /** How many variants at a time; null for as many as there are cores. */
  readonly jobs: number | null;
}

export async function coverage(terminal: Terminal, wanted: Wanted, command: CoverageCommand): Promise<ExitCode> {
  const { listed, faults } = await select(wanted);
  const orders = listed.flatMap(({ scenario, file, shipped, variants }) =>
    variants.map((variant): Wanting => ({ scenario: scenario.name, file, shipped, variant })),
  );
  const codes = faults.map((fault) => complain(terminal, fault));
  if (orders.length === 0) {
    if (faults.length === 0) terminal.print(['There is nothing to cover.']);
    return worst(codes);
  }
  const { results, code } = await coverAll(terminal, orders, command);
  // What is shipped is there to be reached, if all of it was asked for.
  const isAll = [wanted.scenarios, wanted.tags, wanted.variants].every(({ length }) => length === 0);
  const files = [...(isAll ? await shippedCode() : []), ...results.flatMap((result) => result.code)];
  const covered = merge(
    results.map((result) => result.coverage),
    files,
  );
  const { format } = command;
  terminal.print([
    format === 'json' ? JSON.stringify(coverageJson(covered), null, 2) : render(coverageDocument(covered), format).trimEnd(),
  ]);
  return worst([...codes, code, codeOf(covered)]);
}

const STOP_LOOKS_MS = 100;

interface Came {
  readonly results: readonly CoverResult[];
  readonly code: ExitCode;
}

async function coverAll(terminal: Terminal, orders: readonly Wanting[], { jobs, maxStates }: CoverageCommand): Promise<Came> {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const interrupt = onInterrupt(terminal);
  const looks = setInterval(() => {
    if (interrupt.reason !== null) Atomics.store(stop, 0, 1);
  }, STOP_LOOKS_MS);
  const progress = new ProgressLine(terminal.isWatched, orders.length);
  const pool = new CoveragePool(orders.length, jobs);
  const results: (CoverResult | null)[] = [];
  const codes: ExitCode[] = [];
  await Promise.all(
    orders.map(async (order, i) => {
      results[i] = null;
      const name = `${order.scenario}/${order.variant}`;
      const watch: CoverWatch = {
        onBegin: () => progress.begin(name),
        onProgress: (now) => progress.update(name, now),
      };
      try {
        results[i] = await pool.cover({ ...order, maxStates, stop }, watch);
        if (results[i] === null) codes.push(EXIT.cut);
      } catch (error) {
        progress.clear();
        codes.push(complain(terminal, error, `${name} (${relative(process.cwd(), order.file)})`));
      } finally {
        progress.end(name);
      }
    }),
  );
  clearInterval(looks);
  interrupt.end();
  await pool.close();
  return { results: results.filter((result) => result !== null), code: worst(codes) };
}

/** Something that a scenario says is reached, and is not, is a finding. */
function codeOf({ variants }: Covered): ExitCode {
  if (variants.some(({ cut, sometimes }) => cut === null && sometimes.some(({ reached, expected }) => !reached && !expected)))
    return EXIT.notAsExpected;
  return variants.some(({ cut }) => cut !== null) ? EXIT.cut : EXIT.asExpected;
}
