/** Lockdep, but for the order of locks. A lock's usage bits and wait types are left out: the model does not keep them. */
import type { Finding } from '../../check/finding.ts';
import { plainName } from '../../model/names.ts';
import type { Trace, TraceStep } from '../../trace/trace.ts';
import { count } from '../layout.ts';
import { spellLock } from '../locks-held.ts';
import { subjectOf } from '../spoken-step.ts';
import { callTrace, innermost } from './call-trace.ts';

/** The title between rulers of its own length; where the kernel would name itself stands that it is modelled. */
export const report = (title: string, body: readonly string[]): readonly string[] => [
  '='.repeat(title.length),
  title,
  '(modelled)',
  '-'.repeat(title.length),
  ...body,
];

/** `2 locks held by release:`, the outermost first, each with the function that took it. */
export function locksHeldBy(thread: string, locks: readonly string[], trace: Trace): readonly string[] {
  if (locks.length === 0) return [`no locks held by ${thread}.`];
  return [
    `${count(locks.length, 'lock')} held by ${thread}:`,
    ...locks.map((lock, i) => ` #${i}:  (${spellLock(lock, thread, trace)})${takenIn(lock, thread, trace)}`),
  ];
}

function takenIn(lock: string, thread: string, { steps }: Trace): string {
  const taken = steps.findLast((step) => step.thread === thread && step.object === lock && step.means.kind === 'acquire');
  return taken === undefined ? '' : `, at: ${innermost(taken)}`;
}

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

/** On return to user space (lockdep_sys_exit()), or when the thread is done (debug_check_no_locks_held()). */
export function stillHeld(title: string, { fault }: Finding, trace: Trace): readonly string[] {
  const [site] = fault.sites;
  const holder = trace.standing.find(({ thread }) => thread === site?.thread);
  if (holder === undefined) return [`${title} (modelled)`];
  const locks = locksHeldBy(holder.thread, holder.held, trace);
  const toUser = title.includes('user space');
  return report(title, [...(toUser ? [`${holder.thread} is leaving the kernel with locks still held!`] : []), ...locks]);
}

/**
 * __might_resched() in kernel/sched/core.c. Of a read section of RCU it says how deep it is nested; where the kernel is not
 * preemptible, RCU complains of it by itself as well.
 */
export function sleepingFunction(title: string, { fault, pair }: Finding, trace: Trace): readonly string[] {
  const [site] = fault.sites;
  const sleeper = trace.standing.find(({ thread }) => thread === site?.thread);
  if (site === undefined || sleeper === undefined) return [`${title} (modelled)`];
  const taken = trace.steps.find(({ index }) => pair.marked.includes(index));
  const readers = trace.steps.filter(
    ({ thread, object, means }) =>
      thread === site.thread && means.atomic === true && means.mode === 'shared' && sleeper.held.includes(object),
  );
  return [
    `${title} at ${site.function} (modelled)`,
    `thread: ${site.thread}`,
    ...(readers.length === 0 ? [] : [`RCU nest depth: ${nesting(sleeper.held, readers)}, expected: 0`]),
    ...locksHeldBy(
      site.thread,
      sleeper.held.filter((lock) => !isFrame(lock, trace)),
      trace,
    ),
    `Sleeps in: ${sleeper.next ?? site.event}`,
    // With PREEMPT_RCU it is not, among readers.
    ...(taken === undefined || taken.means.mode === 'shared'
      ? []
      : ['Preemption disabled at:', ` ${innermost(taken)}, by ${taken.c}`]),
    ...callTrace([...sleeper.functions, site.event]),
  ];
}

const nesting = (held: readonly string[], readers: readonly TraceStep[]): number =>
  held.filter((lock) => readers.some(({ object }) => object === lock)).length;

/** The frame of a handler is none of the locks. */
const isFrame = (lock: string, { steps }: Trace): boolean =>
  steps.some(({ object, means }) => object === lock && means.interrupt === true);

export function recursiveLocking(title: string, { fault }: Finding, trace: Trace): readonly string[] {
  const [site] = fault.sites;
  const stuck = trace.standing.find(({ thread }) => thread === site?.thread);
  const lock = subjectOf(stuck?.next ?? plainName(site?.object ?? ''));
  // A writer that has queued has taken nothing.
  const taken = trace.steps.findLast(
    ({ thread, means, object, reply }) =>
      thread === site?.thread && means.kind === 'acquire' && object === stuck?.object && reply !== false,
  );
  return report(title, [
    `${site?.thread ?? ''} is trying to acquire lock:`,
    ` (${lock}), at: ${site?.function ?? ''}`,
    '',
    'but task is already holding lock:',
    ` (${lock}), at: ${taken === undefined ? '' : innermost(taken)}`,
    ...twiceOnOneCpu(`lock(${lock});`, `lock(${lock});`),
  ]);
}

export const twiceOnOneCpu = (held: string, taken: string): readonly string[] => [
  '',
  'other info that might help us debug this:',
  ' Possible unsafe locking scenario:',
  '',
  '       CPU0',
  '       ----',
  `  ${held}`,
  `  ${taken}`,
  '',
  ' *** DEADLOCK ***',
  '',
  ' May be due to missing lock nesting notation',
];
