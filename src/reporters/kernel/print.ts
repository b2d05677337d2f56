/**
 * What a kernel would print at a finding, in the shapes that its developers read every day, or that it would print
 * nothing. Each says `(modelled)`, and nothing in it is invented: no address, no offset, no number of a process or CPU.
 */
import type { Finding } from '../../check/finding.ts';
import type { Symptom } from '../../explore/symptom.ts';
import type { Trace } from '../../trace/trace.ts';
import { ascii, count, wrap } from '../layout.ts';
import { callTrace, innermost } from './call-trace.ts';
import { hungTasks } from './hung-task.ts';
import { kasan } from './kasan.ts';
import { kcsan } from './kcsan.ts';
import { kmemleak } from './kmemleak.ts';
import { badUnlock, heldLockFreed, recursiveLocking, suspiciousRcu } from './lockdep.ts';
import { bug, libraryWarn, oops, warn } from './warn.ts';

export interface KernelPrint {
  /** A sentence: what a kernel does there. */
  readonly says: string;
  /** What it prints; empty where it is silent. */
  readonly lines: readonly string[];
}

/** @param width of the printed lines */
export function kernelPrint(finding: Finding, width: number): KernelPrint {
  const { fault, trace, symptom, kind } = finding;
  const fitted = (lines: readonly string[]) => lines.flatMap((line) => fit(ascii(line), width));
  if (trace === null) return { says: 'A kernel has nothing to print about what never happens.', lines: [] };
  if (fault.prints !== null) return { says: 'A kernel would print there:', lines: fitted(shapeOf(fault.prints, finding, trace)) };
  if (kind === 'starvation') return { says: 'A kernel prints nothing there: the call just does not return.', lines: [] };
  const leaked = kind === 'leak' ? kmemleak(finding, trace) : [];
  if (symptom === null && leaked.length > 0)
    return {
      says: 'A kernel prints nothing there. Kmemleak does once nothing leads to the memory any more:',
      lines: fitted(leaked),
    };
  return symptom === null
    ? { says: 'A kernel prints nothing there, nor at any step after it in this scenario.', lines: [] }
    : { says: firstSign(symptom), lines: fitted([`${symptom.prints} (modelled)`]) };
}

function firstSign({ stepsLater, thread, function: name }: Symptom): string {
  const when = stepsLater === 0 ? 'in the same state' : `${count(stepsLater, 'step')} later at the earliest`;
  return `A kernel prints nothing there. The first sign of it comes ${when}, from ${thread} in ${name}():`;
}

/** By the first line of it, which is all that the model says. */
function shapeOf(prints: string, finding: Finding, trace: Trace): readonly string[] {
  const last = trace.steps.at(-1);
  const begins = (text: string) => prints.startsWith(text);
  if (begins('INFO: task ')) return hungTasks(finding, trace);
  if (begins('WARNING: possible recursive locking')) return recursiveLocking(prints, finding, trace);
  if (last === undefined) return [`${prints} (modelled)`];
  if (begins('BUG: KASAN: ')) return kasan(prints, last, trace);
  if (begins('BUG: KCSAN: ')) return kcsan(prints, finding, trace);
  if (begins('BUG: ')) return oops(prints, last);
  if (begins('kernel BUG')) return bug(innermost(last), last);
  if (begins('WARNING: bad unlock balance')) return badUnlock(prints, last);
  if (begins('WARNING: held lock freed')) return heldLockFreed(prints, last);
  if (begins('WARNING: suspicious RCU usage')) return suspiciousRcu(prints, last, finding);
  if (begins('WARNING: ')) return warn(prints.slice('WARNING: '.length), last);
  if (begins('refcount_t: ')) return libraryWarn(prints, 'lib/refcount.c at refcount_warn_saturate', last);
  if (begins('ODEBUG: ')) return libraryWarn(prints, 'lib/debugobjects.c at debug_print_object', last);
  if (begins('list_'))
    return last.stops
      ? [prints, ...bug('lib/list_debug.c', last)]
      : libraryWarn(prints, `lib/list_debug.c at ${checkOf(prints)}`, last);
  return [`${prints} (modelled)`, ...callTrace(last.functions)];
}

/** Which of the two checks of list debug has failed, by its name since v6.6. */
const checkOf = (prints: string): string =>
  prints.startsWith('list_add') ? '__list_add_valid_or_report' : '__list_del_entry_valid_or_report';

/** Real log lines are not broken; these are quoted in a report that has a width. */
function fit(line: string, width: number): readonly string[] {
  const [indent = ''] = /^ */.exec(line) ?? [];
  return line.length <= width ? [line] : wrap(line, indent, `${indent}    `, width);
}
