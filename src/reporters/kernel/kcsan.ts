/** KCSAN: two accesses that nothing orders, each with who makes it and under which locks. */
import type { Finding } from '../../check/finding.ts';
import type { Trace, TraceStep } from '../../trace/trace.ts';
import { stack } from './call-trace.ts';

const RULER = '='.repeat(66);

export function kcsan(title: string, { pair }: Finding, { steps }: Trace): readonly string[] {
  const accesses = steps.filter(({ index }) => pair.marked.includes(index));
  return [RULER, `${title} (modelled)`, ...accesses.toReversed().flatMap((step) => ['', ...access(step)]), RULER];
}

const access = (step: TraceStep): readonly string[] => {
  const marked = step.means.plain === true ? '' : ' (marked)';
  const locks = step.held.length === 0 ? 'none' : step.held.join(', ');
  return [
    `${verbOf(step)}${marked} to ${step.object} by ${step.thread} at step ${step.index}, locks: ${locks}:`,
    ...stack(step.functions),
  ];
};

const verbOf = ({ means }: TraceStep): string =>
  means.kind === 'read' ? 'read' : means.kind === 'write' ? 'write' : 'read-write';
