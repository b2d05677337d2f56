/** Lockdep. A lock's usage bits and wait types are left out: the model does not keep them. */
import type { Finding } from '../../check/finding.ts';
import type { Trace, TraceStep } from '../../trace/trace.ts';
import { subjectOf } from '../spoken-step.ts';
import { callTrace, innermost } from './call-trace.ts';

/** The title between rulers of its own length; where the kernel would name itself stands that it is modelled. */
const report = (title: string, body: readonly string[]): readonly string[] => [
  '='.repeat(title.length),
  title,
  '(modelled)',
  '-'.repeat(title.length),
  ...body,
];

export const badUnlock = (title: string, step: TraceStep): readonly string[] =>
  report(title, [
    `${step.thread} is trying to release lock (${subjectOf(step.c)}) at:`,
    ` ${innermost(step)}`,
    'but there are no more locks to release!',
    ...callTrace(step.functions),
  ]);

export const heldLockFreed = (title: string, step: TraceStep): readonly string[] =>
  report(title, [
    `${step.thread} is freeing memory of ${subjectOf(step.c)}, with a lock still held there!`,
    ...callTrace(step.functions),
  ]);

export const suspiciousRcu = (title: string, step: TraceStep, { fault }: Finding): readonly string[] =>
  report(title, [`${innermost(step)}: ${fault.text}!`, ...callTrace(step.functions)]);

export function recursiveLocking(title: string, { fault }: Finding, trace: Trace): readonly string[] {
  const [site] = fault.sites;
  const stuck = trace.standing.find(({ thread }) => thread === site?.thread);
  const lock = subjectOf(stuck?.next ?? '');
  const taken = trace.steps.findLast(
    ({ thread, means, object }) => thread === site?.thread && means.kind === 'acquire' && object === stuck?.object,
  );
  return report(title, [
    `${site?.thread ?? ''} is trying to acquire lock:`,
    ` (${lock}), at: ${site?.function ?? ''}`,
    '',
    'but task is already holding lock:',
    ` (${lock}), at: ${taken === undefined ? '' : innermost(taken)}`,
    '',
    'other info that might help us debug this:',
    ' Possible unsafe locking scenario:',
    '',
    '       CPU0',
    '       ----',
    `  lock(${lock});`,
    `  lock(${lock});`,
    '',
    ' *** DEADLOCK ***',
    '',
    ' May be due to missing lock nesting notation',
  ]);
}
