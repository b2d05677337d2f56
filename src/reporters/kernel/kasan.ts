/** KASAN: who used what, who had allocated it, who had freed it. Its dump of the memory is left out. */
import type { Trace, TraceStep } from '../../trace/trace.ts';
import { subjectOf } from '../spoken-step.ts';
import { innermost, stack } from './call-trace.ts';

const RULER = '='.repeat(66);

export function kasan(title: string, last: TraceStep, { steps }: Trace): readonly string[] {
  const isFree = last.means.kind === 'free';
  const memory = last.splats.flatMap(({ object }) => [object, `${object}.allocation`]);
  const ofThatMemory = (step: TraceStep) => step !== last && step.changes.some(({ path }) => memory.includes(path));
  const allocated = steps.find((step) => step.means.kind === 'alloc' && ofThatMemory(step));
  const freed = steps.findLast((step) => step.means.kind === 'free' && ofThatMemory(step));
  const verb = isFree ? 'Free' : last.means.kind === 'read' ? 'Read' : 'Write';
  return [
    RULER,
    `${title.replace(/ in \w+$/, '')} in ${innermost(last)} (modelled)`,
    `${verb} of ${subjectOf(last.c).replace(/^&/, '')} by task ${last.thread}`,
    '',
    `${isFree ? 'Freed again' : 'Use'} at step ${last.index} by ${last.thread}:`,
    ...stack(last.functions),
    ...at('Allocated', allocated),
    ...at('Freed', freed),
    RULER,
  ];
}

const at = (what: string, step: TraceStep | undefined): readonly string[] =>
  step === undefined ? [] : ['', `${what} at step ${step.index} by ${step.thread}:`, ...stack(step.functions)];
