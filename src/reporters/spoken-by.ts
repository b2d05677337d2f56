/** What a thread does or would do next, and in which kernel function. */
import type { Standing, TraceStep } from '../trace/trace.ts';
import { ascii } from './layout.ts';
import { aroundIts } from './open-calls.ts';

/** In C; empty for a thread that would do nothing more. */
export const spokenBy = (step: TraceStep | Standing): string => ascii(('c' in step ? step.c : step.next) ?? '');

/** The innermost that is open around the step, and no primitive. */
export const functionOf = (step: TraceStep | Standing): string | null => aroundIts(step.functions, spokenBy(step)).at(-1) ?? null;
