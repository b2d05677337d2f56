/**
 * Who took what and who gave it back: the ledger of an object over a run, read from what each step changed. `postings.ts`
 * says by what rule a put is held against a get.
 */
import { plainName } from '../model/names.ts';
import { Items, type Origin, type Posting, Units } from './postings.ts';
import { type Stock, stockOf } from './stock.ts';
import type { Trace, TraceStep } from './trace.ts';

export interface Account {
  readonly path: string;
  readonly isCount: boolean;
  readonly start: string;
  readonly end: string;
  readonly postings: readonly Posting[];
  /** What was not given back, by whence it is: one origin for each. */
  readonly left: readonly Origin[];
  /** Several puts could be of several gets: which is left may be another. */
  readonly isCertain: boolean;
}

/** The accounts of an object: of the part with this name, or else of the counters that lie in the struct with this name. */
export function accountsOf({ steps }: Pick<Trace, 'steps'>, object: string): readonly Account[] {
  const paths = [...new Set(steps.flatMap(({ changes, object: own }) => [...changes.map(({ path }) => path), own]))];
  const exact = paths.filter((path) => plainName(path) === object);
  const counters = paths.filter(
    (path) =>
      plainName(path).startsWith(`${object}.`) &&
      steps.some((step) => step.object === path && (step.means.kind === 'get' || step.means.kind === 'put')),
  );
  const accounts = (of: readonly string[]) => of.map((path) => accountOf(steps, path)).filter((account) => account !== null);
  const own = accounts(exact);
  return own.length > 0 ? own : accounts(counters);
}

/** The steps that allocated memory of this name which nobody has freed. */
export function unfreedOf({ steps }: Pick<Trace, 'steps'>, object: string): readonly TraceStep[] {
  const open = new Map<string, TraceStep>();
  for (const step of steps)
    for (const { path } of step.changes) {
      if (plainName(path) !== `${object}.allocation`) continue;
      if (step.means.kind === 'alloc') open.set(path, step);
      if (step.means.kind === 'free') open.delete(path);
    }
  return [...open.values()];
}

function accountOf(steps: readonly TraceStep[], path: string): Account | null {
  const moving = steps.flatMap((step) => {
    const change = step.changes.find((changed) => changed.path === path) ?? null;
    return change === null && !isInVain(step, path) ? [] : [{ step, change }];
  });
  const [first, last] = [
    moving.find(({ change }) => change !== null)?.change,
    moving.findLast(({ change }) => change !== null)?.change,
  ];
  const [start, end] = [first && stockOf(first.before), last && stockOf(last.after)];
  if (!start || !end) return null;
  const books = start.kind === 'count' ? new Units(start.count) : new Items(start.items);
  const postings = moving.flatMap(({ step, change }) => books.post(step, change));
  return {
    path,
    isCount: start.kind === 'count',
    start: says(start),
    end: says(end),
    postings,
    left: books.left,
    isCertain: books.isCertain,
  };
}

/** A get that is refused, or a put that the object complains of: a put that may decide to leave the last one is neither. */
const isInVain = ({ object, means, reply, splats }: TraceStep, path: string): boolean =>
  object === path && ((means.kind === 'put' && splats.length > 0) || (means.kind === 'get' && reply === false));

const says = (stock: Stock): string => (stock.kind === 'count' ? stock.says : `${stock.items.length}`);
