/**
 * KASAN: who used what, who had allocated it, who had freed it, and who had asked for that where a worker or a callback
 * of RCU did it (mm/kasan/report.c, v6.12). Its dump of the memory is left out.
 */
import type { Json } from '../../../machines/object.ts';
import { plainName } from '../../model/names.ts';
import type { Trace, TraceStep } from '../../trace/trace.ts';
import { subjectOf } from '../spoken-step.ts';
import { innermost, stack } from './call-trace.ts';

const RULER = '='.repeat(66);

export function kasan(title: string, last: TraceStep, { steps }: Trace): readonly string[] {
  const isFree = last.means.kind === 'free';
  const memory = last.splats.flatMap(({ object }) => [object, `${object}.allocation`]);
  const ofThatMemory = (step: TraceStep) => step !== last && step.changes.some(({ path }) => memory.includes(path));
  const allocated = steps.find((step) => step.means.kind === 'alloc' && ofThatMemory(step));
  const frees = steps.filter((step) => step.means.kind === 'free' && ofThatMemory(step));
  // A list knows that a neighbour was freed, and of several not which.
  const freed = frees.findLast((step) => isOf(step, last)) ?? (frees.length === 1 ? frees[0] : undefined);
  const verb = isFree ? 'Free' : last.means.kind === 'read' ? 'Read' : 'Write';
  return [
    RULER,
    `${title.replace(/ in \w+$/, '')} in ${innermost(last)} (modelled)`,
    `${verb} of ${whatIsReached(last, freed)} by task ${last.thread}`,
    '',
    `${isFree ? 'Freed again' : 'Use'} at step ${last.index} by ${last.thread}:`,
    ...stack(last.functions),
    ...at('Allocated', allocated),
    ...at('Freed', freed),
    ...at('Last potentially related work creation', freed && creationOf(freed, steps)),
    RULER,
  ];
}

const freedBy = (step: TraceStep): readonly string[] =>
  step.changes.flatMap(({ path }) => (path.endsWith('.allocation') ? [path.slice(0, -'.allocation'.length)] : []));

/** It freed the very thing of which the complaint is. */
const isOf = (step: TraceStep, last: TraceStep): boolean =>
  freedBy(step).some((path) => last.splats.some(({ object }) => object === path));

/** What the step names, or what it writes to by the way: the pointers of an entry that stands beside. */
function whatIsReached(last: TraceStep, freed: TraceStep | undefined): string {
  const subject = subjectOf(last.c).replace(/^&/, '');
  const [beside] = freed === undefined || isOf(freed, last) ? [] : freedBy(freed);
  return beside === undefined ? subject : `${plainName(beside)}, beside ${subject},`;
}

const at = (what: string, step: TraceStep | undefined): readonly string[] =>
  step === undefined ? [] : ['', `${what} at step ${step.index} by ${step.thread}:`, ...stack(step.functions)];

/** What is handed to a thread that waits for it: the last step before that gave the same name to the same object. */
function creationOf(freed: TraceStep, steps: readonly TraceStep[]): TraceStep | undefined {
  const taken = steps.findLast(
    ({ index, thread, means, reply }) =>
      index < freed.index && thread === freed.thread && means.kind === 'wait' && named(reply) !== null,
  );
  return taken === undefined
    ? undefined
    : steps.findLast(
        ({ index, object, event }) =>
          index < taken.index &&
          object === taken.object &&
          Object.values(event).some((part) => named(part) === named(taken.reply)),
      );
}

function named(value: Json): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const { at: path } = value as { readonly at?: Json };
  return typeof path === 'string' ? path : null;
}
