/** WARN, BUG and oops: formats of kernel/panic.c, lib/bug.c and the fault handlers, v6.19. */
import type { TraceStep } from '../../trace/trace.ts';
import { callTrace, CUT_HERE, END_TRACE, innermost } from './call-trace.ts';

/** @param where the file and function of the kernel's library that warns */
export const libraryWarn = (text: string, where: string, step: TraceStep): readonly string[] => [
  CUT_HERE,
  text,
  `WARNING: ${where}: ${step.thread} (modelled)`,
  ...callTrace(step.functions),
  END_TRACE,
];

/** `WARN()` prints a message of its own before; `WARN_ON()` shows its condition, where the kernel is built to. */
export function warn(text: string, step: TraceStep): readonly string[] {
  const where = `at ${innermost(step)}: ${step.thread} (modelled)`;
  const head = step.c.startsWith('WARN(') ? [text, `WARNING: ${where}`] : [`WARNING: [${text}] ${where}`];
  return [CUT_HERE, ...head, ...callTrace(step.functions), END_TRACE];
}

/** @param where as `BUG()` names it: a file of the kernel's library, or the function that has the BUG_ON() */
export const bug = (where: string, step: TraceStep): readonly string[] => [
  CUT_HERE,
  `kernel BUG at ${where}! (modelled)`,
  `Comm: ${step.thread}`,
  ...callTrace(step.functions),
  END_TRACE,
];

export const oops = (title: string, step: TraceStep): readonly string[] => [
  `${title} (modelled)`,
  `Comm: ${step.thread}`,
  `RIP: ${innermost(step)}, at ${step.c}`,
  ...callTrace(step.functions),
  END_TRACE,
];
