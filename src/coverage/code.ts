/**
 * The kernel functions in a script, and the places at which one gives an errno, with what of them was run.
 *
 * A place is where `-ENODEV` stands, or a `return` of -19, and it was run if the block around it was. That a caller passes on
 * what it was given is no place of its own.
 */

import { errnoName } from './errno-names.ts';

/** How often the code between two offsets was run: of ranges that contain one another the innermost tells. */
export interface Counted {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

export interface KernelFunction {
  readonly name: string;
  readonly offset: number;
  readonly run: boolean;
}

export interface ErrnoPlace {
  readonly errno: string;
  /** The function in which it stands. */
  readonly function: string;
  readonly offset: number;
  readonly run: boolean;
}

export interface Code {
  readonly functions: readonly KernelFunction[];
  readonly errnos: readonly ErrnoPlace[];
}

const FUNCTION = /function\*\s+([A-Za-z_]\w*)/g;
/** Not what is only compared with one. */
const ERRNO = /(?<![=!]==? *)-(E[A-Z][A-Z0-9]*)\b|(?<=\breturn\b[^;\n]*[ (])(?<![=!<>]=* )-(\d+)\b/g;
/** No kernel function has a capital in its name: what has one is a helper that the C code does not know. */
const isKernelName = (name: string): boolean => /^[a-z_][a-z0-9_]*$/.test(name);

/** @param counted what was run of it; empty if it was never loaded */
export function codeIn(text: string, counted: readonly Counted[]): Code {
  const lines = withoutComments(text);
  const functions = [...lines.matchAll(FUNCTION)].map(({ 1: name = '', index }) => ({ name, offset: index }));
  return {
    functions: functions
      .filter(({ name }) => isKernelName(name))
      .map(({ name, offset }) => ({
        name,
        offset,
        run: counted.some((range) => range.startOffset === offset && range.count > 0),
      })),
    errnos: [...lines.matchAll(ERRNO)].map((match) => {
      const { 1: named, 2: number, index } = match;
      const around = functions.findLast(({ offset }) => offset < index);
      return {
        errno: errnoName(`-${named ?? number ?? ''}`),
        function: around?.name ?? '',
        offset: index,
        run: wasRun(index, counted),
      };
    }),
  };
}

function wasRun(offset: number, counted: readonly Counted[]): boolean {
  let innermost: Counted | null = null;
  for (const range of counted) {
    if (offset < range.startOffset || offset >= range.endOffset) continue;
    if (innermost === null || sizeOf(range) <= sizeOf(innermost)) innermost = range;
  }
  return innermost !== null && innermost.count > 0;
}

const sizeOf = ({ startOffset, endOffset }: Counted): number => endOffset - startOffset;

/** Comments become blanks: what they tell of is not code. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));

/** The line and column of an offset, from 1. */
export function placeAt(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
