/** Kmemleak: memory that was allocated and never freed, with who allocated it. It says so only once nothing leads there. */
import type { Finding } from '../../check/finding.ts';
import { unfreedOf } from '../../trace/ledger.ts';
import type { Trace } from '../../trace/trace.ts';

export const kmemleak = ({ object }: Finding, trace: Trace): readonly string[] =>
  unfreedOf(trace, object).flatMap(({ thread, index, functions }) => [
    `unreferenced object ${object} (modelled)`,
    `  comm "${thread}", allocated at step ${index}`,
    '  backtrace:',
    ...functions.toReversed().map((name) => `    ${name}`),
  ]);
