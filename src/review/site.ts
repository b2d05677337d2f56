/**
 * Where kernel code makes a step, as a reviewer points at it: the kernel function, and the line that calls the primitive.
 * The inside of a primitive is nobody's business: down_write() is two steps, and one line of the function that calls it.
 */
import { framesOf } from '../model/stack.ts';
import type { Position } from '../tables/program.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface CodeSite {
  /** The kernel functions that stand open, outermost first; of a primitive that a thread calls as it is, none. */
  readonly functions: readonly string[];
  /** The innermost of them, or else the step itself. */
  readonly function: string;
  /** The step, under its kernel name. */
  readonly event: string;
  /** As it was built; null where that is not known. */
  readonly place: Place | null;
  /** Of these functions, those that a primitive has called: callbacks of a chain, the release of a reference. */
  readonly calledBack: readonly { readonly by: string; readonly function: string }[];
}

const primitive = /(^|\/)actors\/sync\/[^/]+\.[jt]s$/;
/** A helper that the C code does not know has a capital in its name, or no name at all. */
const isKernelName = (name: string): boolean => /^[a-z_][a-z0-9_]*$/.test(name);

export function siteOf({ step }: Position): CodeSite {
  const frames = framesOf(step?.stack() ?? '').toReversed();
  const own = frames.filter(({ file }) => !primitive.test(file));
  const functions = own.map((frame) => frame.function).filter(isKernelName);
  const event = step?.event.type ?? '';
  const at = own.at(-1);
  return {
    functions,
    function: functions.at(-1) ?? event,
    event,
    place: at === undefined ? null : { file: at.file, line: at.line, column: at.column },
    calledBack: frames.flatMap((frame, i) => {
      if (primitive.test(frame.file) || !isKernelName(frame.function)) return [];
      // What has no name is the model's own: what stands around it has called.
      const by = frames.slice(0, i).findLast((caller) => isKernelName(caller.function));
      return by === undefined || !primitive.test(by.file) ? [] : [{ by: by.function, function: frame.function }];
    }),
  };
}

export const placeKey = ({ function: name, event, place }: CodeSite): string =>
  `${name}|${event}|${place === null ? '' : `${place.file}:${place.line}:${place.column}`}`;

type Placed = Pick<CodeSite, 'function' | 'place'>;

/** In the order of the source, whichever of them the search has met first. */
export function inSourceOrder(a: Placed, b: Placed): number {
  const [one, other] = [a.place, b.place];
  if (one !== null && other !== null && one.file === other.file) return one.line - other.line || one.column - other.column;
  const [here, there] = [`${one?.file ?? ''} ${a.function}`, `${other?.file ?? ''} ${b.function}`];
  return here === there ? 0 : here < there ? -1 : 1;
}
