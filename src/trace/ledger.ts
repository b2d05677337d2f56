/**
 * Who took what and who gave it back: the ledger of one part over a run, read from what each step changed.
 *
 * Entries and numbers are told apart by themselves. References of a counter are not, in a kernel or here: a put is held
 * against a get of the same call, else of the same thread, else against what was there at the start, else against a get of
 * another thread. Where those of one rank are not alike, the ledger names them all and decides nothing.
 */
import { plainName } from '../model/names.ts';
import { type Stock, stockOf } from './stock.ts';
import type { Change, Trace, TraceStep } from './trace.ts';

/** Where a reference comes from: a step, or null for one that was there at the start. */
export type Origin = TraceStep | null;

export interface Posting {
  readonly step: TraceStep;
  /** `refused`: a get that was not granted. `set`: a store that knows nothing of those who hold it. */
  readonly kind: 'taken' | 'put' | 'set' | 'refused';
  /** The entry or the number that it is about; null for a count. */
  readonly item: string | null;
  readonly before: string;
  readonly after: string;
  /** Of what gives back: whence that may be. One, if it is clear; none, if there was nothing left to give back. */
  readonly of: readonly Origin[];
  /** It gives back what its own thread had not taken. */
  readonly isForeign: boolean;
}

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

/** More units than a reader could follow one by one. */
const MOST_UNITS = 64;

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

export function accountOf(steps: readonly TraceStep[], path: string): Account | null {
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

interface Books {
  readonly left: readonly Origin[];
  readonly isCertain: boolean;
  post(step: TraceStep, change: Change | null): readonly Posting[];
}

/** References without names: which put belongs to which get goes by who does it. */
class Units implements Books {
  isCertain = true;
  left: Origin[];
  /** As the last posting left it. */
  private now: string;

  constructor(start: number) {
    this.left = Array.from({ length: Math.min(MOST_UNITS, Math.max(0, start)) }, () => null);
    this.now = String(start);
  }

  post(step: TraceStep, change: Change | null): readonly Posting[] {
    const [before, after] = [change && stockOf(change.before), change && stockOf(change.after)];
    if (before?.kind !== 'count' || after?.kind !== 'count') return [this.unchanged(step)];
    this.now = after.says;
    const posting = { step, item: null, before: before.says, after: after.says };
    const by = after.count - before.count;
    const isSet = step.means.kind === 'write';
    if (Math.abs(by) > MOST_UNITS)
      return [{ ...posting, kind: step.means.kind === 'get' ? 'taken' : 'put', of: [], isForeign: true }];
    if (by > 0) {
      for (let i = 0; i < by; i++) this.left.push(step);
      return [{ ...posting, kind: isSet ? 'set' : 'taken', of: [], isForeign: false }];
    }
    const given = Array.from({ length: -by }, () => this.giveBack(step, isSet));
    return [
      {
        ...posting,
        kind: isSet ? 'set' : 'put',
        of: [...new Set(given.flatMap(({ of }) => of))],
        isForeign: given.some(({ isForeign }) => isForeign),
      },
    ];
  }

  /** It was refused, or had nothing to give back. */
  private unchanged(step: TraceStep): Posting {
    const kind = step.means.kind === 'put' ? 'put' : 'refused';
    return { step, kind, item: null, before: this.now, after: this.now, of: [], isForeign: kind === 'put' };
  }

  private giveBack(step: TraceStep, isSet: boolean): Pick<Posting, 'of' | 'isForeign'> {
    const all = this.left;
    const ofThread = all.filter((origin) => origin?.thread === step.thread);
    const ofCall = ofThread.filter((origin) => origin?.call === step.call);
    const fromStart = all.filter((origin) => origin === null);
    const candidates = isSet ? [...all] : ([ofCall, ofThread, fromStart].find(({ length }) => length > 0) ?? all);
    const of = [...new Set(candidates)];
    // Those that were taken at one place are alike for a reader.
    if (new Set(of.map(placeOf)).size > 1) this.isCertain = false;
    const last = candidates.at(-1);
    if (last !== undefined) all.splice(all.lastIndexOf(last), 1);
    return { of, isForeign: ofThread.length === 0 };
  }
}

const placeOf = (origin: Origin): string => (origin === null ? '' : [origin.thread, origin.call, whereIn(origin)].join(' '));

/** The kernel function that makes the step, as findings name it: a primitive that is a function itself is none. */
export const whereIn = ({ functions, event }: TraceStep): string =>
  functions.findLast((name) => name !== event.type) ?? event.type;

/** Entries and numbers: each is given back as what it is. */
class Items implements Books {
  readonly isCertain = true;
  private readonly open = new Map<string, Origin>();

  constructor(start: readonly string[]) {
    for (const item of start) this.open.set(item, null);
  }

  get left(): readonly Origin[] {
    return [...this.open.values()];
  }

  post(step: TraceStep, change: Change | null): readonly Posting[] {
    const [before, after] = [change && stockOf(change.before), change && stockOf(change.after)];
    if (before?.kind !== 'items' || after?.kind !== 'items') return [];
    const sizes = { step, before: `${before.items.length}`, after: `${after.items.length}` };
    const gone = before.items.filter((item) => !after.items.includes(item));
    const come = after.items.filter((item) => !before.items.includes(item));
    const given = gone.map((item): Posting => {
      const of = this.open.get(item) ?? null;
      this.open.delete(item);
      return { ...sizes, kind: 'put', item, of: [of], isForeign: false };
    });
    for (const item of come) this.open.set(item, step);
    return [...given, ...come.map((item): Posting => ({ ...sizes, kind: 'taken', item, of: [], isForeign: false }))];
  }
}
