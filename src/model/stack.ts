/** Reads, out of the stack of a step, the chain of kernel functions and the place of the call. */
import { fileURLToPath } from 'node:url';
import type { Json } from '../../machines/object.ts';

export interface Frame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Deep enough for the longest chain of kernel calls with the frames of the step contract between them. */
const MOST_FRAMES = 100;
Error.stackTraceLimit = MOST_FRAMES;

/**
 * Runs kernel code whose steps nobody asks for their place: to note it costs more than all the rest. What goes wrong is
 * run again with places, for then somebody asks.
 */
export function withoutPlaces<T>(run: () => T): T {
  Error.stackTraceLimit = 0;
  try {
    return run();
  } catch {
    Error.stackTraceLimit = MOST_FRAMES;
    return run();
  } finally {
    Error.stackTraceLimit = MOST_FRAMES;
  }
}

/** Goes on with kernel code that is edited. */
export const resumeCode = <T, R>(code: Generator<T, R, Json>, answer: Json): IteratorResult<T, R> => code.next(answer);

/** The same, for a step whose place is asked for within what runs without places. */
export function resumeWithPlace<T, R>(code: Generator<T, R, Json>, answer: Json): IteratorResult<T, R> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = MOST_FRAMES;
  try {
    return code.next(answer);
  } finally {
    Error.stackTraceLimit = before;
  }
}

export const runsWithoutPlaces = (): boolean => Error.stackTraceLimit === 0;

/** The frames of the step contract, and of the runners that stand around every call. */
const contract = new Set(['take', 'send', 'oneOf', 'choose', 'along', 'loop', 'kernel', 'withoutDeferring', 'next']);
const contractFile = /(^|\/)actors\/step\.[jt]s$/;
/** What a reader of kernel code takes for one statement, however many steps it is. */
const primitiveFile = /(^|\/)actors\/(step|sync\/[^/]+)\.[jt]s$/;
const runners = new Set(['runCall', 'resumeCode', 'resumeWithPlace']);

const pattern = /^\s+at (?:(.+?) \()?((?:file:\/\/)?\/[^)]*):(\d+):(\d+)\)?$/;

/** Innermost first: the frames between the step primitive and the runner of the call. */
export function framesOf(stack: string): readonly Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split('\n')) {
    const [, name = '', url, at, column] = pattern.exec(line) ?? [];
    if (url === undefined) continue;
    const plain = plainName(name);
    if (runners.has(plain)) break;
    const file = url.startsWith('file://') ? fileURLToPath(url) : url;
    if (contractFile.test(file) || contract.has(plain)) continue;
    frames.push({ function: plain, file, line: Number(at), column: Number(column) });
  }
  return frames;
}

/** V8 writes the receiver before the name of a method (`Object.open`) and may say how it was reached (`[as open]`). */
const plainName = (name: string): string => name.replace(/ \[as .*\]$/, '').replace(/^.*\./, '');

/** No kernel function has a capital in its name: what has one is a helper that the C code does not know. */
const isNamed = (frame: Frame): boolean => /^[a-z_][a-z0-9_]*$/.test(frame.function);

/** Outermost first: the kernel functions that stand open at the step. */
export const functionsOf = (stack: string): readonly string[] =>
  framesOf(stack)
    .filter(isNamed)
    .map((frame) => frame.function)
    .toReversed();

/** For each of those functions the place of its caller: what tells one call from the next of the same function. */
export const callSitesOf = (frames: readonly Frame[]): readonly string[] =>
  frames
    .filter(isNamed)
    .toReversed()
    .map((_, depth, outermostFirst) => outermostFirst[depth - 1])
    .map((caller) => (caller === undefined ? '' : `${caller.file}:${caller.line}:${caller.column}`));

/** The place of the statement that makes the step; null where a thread calls a primitive by itself. */
export const statementOf = (stack: string): Frame | null => framesOf(stack).find(({ file }) => !primitiveFile.test(file)) ?? null;

/** The kernel functions that stand open, each with the place from which it was called, outermost first. */
export function activationsOf(stack: string): readonly string[] {
  const frames = framesOf(stack).filter(({ file }) => !primitiveFile.test(file));
  const sites = callSitesOf(frames);
  return frames
    .filter(isNamed)
    .toReversed()
    .map((frame, depth) => `${frame.function} ${sites[depth]}`);
}

/** The same stack as of a step that stands by itself in the statement's function. */
export const withoutPrimitives = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => !primitiveFile.test(pattern.exec(line)?.[2] ?? ''))
    .join('\n');
