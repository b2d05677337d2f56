/** What the reports of a kernel share: the stack, innermost first, and the line that it is cut at. */
import type { TraceStep } from '../../trace/trace.ts';

export const stack = (functions: readonly string[]): readonly string[] => functions.toReversed().map((name) => ` ${name}`);

export const callTrace = (functions: readonly string[]): readonly string[] =>
  functions.length === 0 ? [] : ['Call Trace:', ' <TASK>', ...stack(functions), ' </TASK>'];

export const innermost = ({ functions, event }: Pick<TraceStep, 'functions' | 'event'>): string => functions.at(-1) ?? event.type;

export const CUT_HERE = '------------[ cut here ]------------';
export const END_TRACE = '---[ end trace ]---';
