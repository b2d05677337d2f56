/** What the bus recorded of an execution. Detectors and reporters read this, and no engine. */
import type { Event, Meaning } from '../../actors/step.ts';
import type { Json, Splat } from '../../machines/object.ts';

/** A part before and after a step that changed it. */
export interface Change {
  readonly path: string;
  readonly before: Condition;
  readonly after: Condition;
}

export interface Condition {
  readonly state: string;
  readonly context: { readonly [field: string]: Json };
}

export interface TraceStep {
  /** From 1. */
  readonly index: number;
  readonly thread: string;
  /** The system call, or other entry, that the thread is in. */
  readonly operation: string;
  /** Which of the thread's calls that is, from 0. */
  readonly call: number;
  /** The kernel functions that stand open, outermost first. */
  readonly functions: readonly string[];
  /** For each of them where it was called: two calls of one function differ here. */
  readonly callSites: readonly string[];
  /** Where kernel code makes the step: file, line and column of the operation, from 1, as it was built. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number } | null;
  readonly object: string;
  readonly event: Event;
  readonly means: Meaning;
  /** What else kernel code does in the same step. */
  readonly also: readonly { readonly object: string; readonly means: Meaning }[];
  /** As C code spells it. */
  readonly c: string;
  /** The way that was taken, where the step offers several. */
  readonly way: string | null;
  readonly reply: Json;
  readonly splats: readonly (Splat & { readonly object: string })[];
  /** An oops or a BUG: the thread ends here. */
  readonly stops: boolean;
  readonly changes: readonly Change[];
  /** The locks that the thread held before the step. */
  readonly held: readonly string[];
  /** Another thread ran before and could have gone on. */
  readonly preempts: boolean;
  /** Another thread or another way could have been next. */
  readonly hadChoice: boolean;
}

/** Where a thread stands when the execution is over. */
export interface Standing {
  readonly thread: string;
  readonly kind: 'task' | 'daemon';
  readonly status: 'running' | 'ended' | 'stopped';
  readonly functions: readonly string[];
  /** The step that it would take next, in C; null if there is none. */
  readonly next: string | null;
  readonly object: string | null;
  readonly event: string | null;
  readonly blocked: boolean;
  readonly held: readonly string[];
}

export interface Trace {
  readonly steps: readonly TraceStep[];
  readonly standing: readonly Standing[];
}
