/** The two steps of a trace that make the race: between them lies the window. */
import type { Kind } from '../../machines/object.ts';
import { plainName } from '../model/names.ts';
import type { Standing, Trace, TraceStep } from './trace.ts';

export interface RacingPair {
  /** The kernel names of the two, as scenarios expect them; null where one step, or none, is to blame. */
  readonly between: readonly [string, string] | null;
  /** The steps of the trace to mark, by index: the window's two ends, and what got in between. */
  readonly marked: readonly number[];
}

const pair = (first: TraceStep, second: TraceStep, intruder?: TraceStep): RacingPair => ({
  between: [first.event.type, second.event.type],
  marked: [first.index, ...(intruder === undefined ? [] : [intruder.index]), second.index],
});

const touches = (step: TraceStep, path: string): boolean =>
  step.object === path || step.changes.some((change) => change.path === path);
/** A write that leaves the value as it was is a write. */
const writes = (step: TraceStep, path: string): boolean => step.object === path && step.means.kind === 'write';
const changes = (step: TraceStep, path: string): boolean => step.changes.some((change) => change.path === path);

/**
 * The pair of a step that went wrong. A thread that had looked at the object before, and was overtaken: its look and
 * its step. Otherwise the last change by another thread and the step; for freed memory, the free and the use; for a
 * NULL pointer, the read that gave it and the use.
 */
export function pairOfStep(trace: Trace, kind: Kind, objects: readonly string[]): RacingPair {
  const last = trace.steps.at(-1);
  if (last === undefined) return { between: null, marked: [] };
  const earlier = trace.steps.slice(0, -1);
  if (kind === 'use-after-free' || kind === 'double-free') {
    const freed = earlier.findLast((step) => step.means.kind === 'free' && objects.some((path) => changes(step, path)));
    if (freed !== undefined) return pair(freed, last);
  }
  if (kind === 'null-deref') {
    const read = earlier.findLast((step) => step.thread === last.thread && isNull(step.reply));
    if (read !== undefined) return pair(read, last);
  }
  const own = (step: TraceStep) => step.thread === last.thread;
  if (kind === 'data-race') {
    const other = earlier.findLast((step) => !own(step) && objects.includes(step.object));
    // It is the same race whichever comes first.
    if (other !== undefined)
      return {
        between: [other.event.type, last.event.type].toSorted() as [string, string],
        marked: [other.index, last.index],
      };
  }
  const paths = objects.length > 0 ? objects : [last.object];
  const intruder = earlier.findLast((step) => !own(step) && paths.some((path) => changes(step, path)));
  const look = earlier.findLast(
    (step) => own(step) && step.index < (intruder?.index ?? Infinity) && paths.some((path) => touches(step, path)),
  );
  if (look !== undefined) return pair(look, last, intruder);
  return intruder === undefined ? { between: null, marked: [last.index] } : pair(intruder, last);
}

/** The pair of a lock that is kept too long: where it was taken, or sleep forbidden otherwise, and what came too early. */
export function pairOfKept(
  { steps }: Trace,
  { kind, object, sites: [site] }: { readonly kind: Kind; readonly object: string; readonly sites: readonly KeptAt[] },
): RacingPair {
  const forbids = ({ means }: TraceStep) => means.irqs === 'off' || (means.kind === 'acquire' && means.atomic === true);
  const takes = ({ means, object: path }: TraceStep) => means.kind === 'acquire' && plainName(path) === object;
  const taken = steps.findLast((step) => step.thread === site?.thread && (kind === 'sleep-in-atomic' ? forbids : takes)(step));
  if (taken === undefined || site === undefined) return { between: null, marked: [] };
  return { between: [taken.event.type, site.event], marked: [taken.index] };
}

interface KeptAt {
  readonly thread: string;
  readonly event: string;
}

/** The pair of threads that are stuck: the steps before which the first two stand. */
export function pairOfStuck(stuck: readonly Standing[]): RacingPair {
  const [first, second] = stuck.map(({ event }) => event).filter((event) => event !== null);
  return { between: first === undefined ? null : [first, second ?? first], marked: [] };
}

/** The pair of a state that is wrong: the last two steps, of two threads if there are, that wrote what was looked at. */
export function pairOfState(trace: Trace, objects: readonly string[]): RacingPair {
  const steps = trace.steps.filter((step) => objects.some((path) => changes(step, path) || writes(step, path)));
  const second = steps.at(-1);
  if (second === undefined) return { between: null, marked: [] };
  const first = steps.findLast((step) => step.thread !== second.thread) ?? steps.at(-2);
  return first === undefined ? { between: null, marked: [second.index] } : pair(first, second);
}

/** The pair of a loop that starves a thread: where that thread waits, and what keeps it waiting. */
export function pairOfLoop({ steps }: Trace, loopFrom: number, thread: string, waitsAt: string): RacingPair {
  const others = steps.filter((step) => step.index >= loopFrom && step.thread !== thread && step.changes.length > 0);
  const keeps = others.find((step) => step.means.kind === 'get') ?? others[0];
  // On its way round the thread may have taken another way out of the wait.
  const waits = steps.find(
    (step) => step.index >= loopFrom && step.thread === thread && (step.event.type === waitsAt || step.way !== null),
  );
  return {
    between: [waitsAt, keeps?.event.type ?? waitsAt],
    marked: [waits, keeps].flatMap((step) => (step === undefined ? [] : [step.index])),
  };
}

const isNull = (reply: unknown): boolean =>
  typeof reply === 'object' && reply !== null && (reply as { at?: unknown }).at === 'NULL';

/**
 * The pair of a call into which another thread got: its last step before and its first step after, at what the other
 * changed or looked at. Where only one of them has to do with the other's step, it is that one and the other's step. Calls
 * that came out otherwise than they should (`isMeant`) go first. Locks and waits order the calls, and are seldom what they
 * race for: they go last.
 */
export function pairOfTorn({ steps }: Trace, isMeant: (step: TraceStep) => boolean): RacingPair {
  const calls = new Map<string, TraceStep[]>();
  for (const step of [...steps.filter(isMeant), ...steps.filter((step) => !isMeant(step))]) {
    const key = `${step.thread} ${step.call}`;
    calls.set(key, [...(calls.get(key) ?? []), step]);
  }
  const orders = ({ means }: TraceStep) => ['acquire', 'release', 'wait', 'signal'].includes(means.kind);
  for (const isLeftOut of [orders, () => false])
    for (const isTear of [wholeTear, halfTear])
      for (const own of calls.values()) {
        const found = tearIn(own, steps, isLeftOut, isTear);
        if (found !== null) return found;
      }
  return { between: null, marked: [] };
}

type Tear = (first: TraceStep | undefined, second: TraceStep | undefined, intruder: TraceStep) => RacingPair | null;

const wholeTear: Tear = (first, second, intruder) =>
  first === undefined || second === undefined ? null : pair(first, second, intruder);
const halfTear: Tear = (first, second, intruder) =>
  second !== undefined ? pair(intruder, second) : first !== undefined ? pair(first, intruder) : null;

/** @param own the steps of one call, in order */
function tearIn(
  own: readonly TraceStep[],
  all: readonly TraceStep[],
  isLeftOut: (step: TraceStep) => boolean,
  isTear: Tear,
): RacingPair | null {
  const [begin, end] = [own[0]?.index ?? 0, own.at(-1)?.index ?? 0];
  const mine = own.filter((step) => !isLeftOut(step));
  const intruders = all.filter(
    (step) => step.index > begin && step.index < end && step.thread !== own[0]?.thread && !isLeftOut(step),
  );
  for (const intruder of intruders.toReversed()) {
    const first = mine.findLast((step) => step.index < intruder.index && conflict(step, intruder));
    const second = mine.find(
      (step) => step.index > intruder.index && (conflict(step, intruder) || step.object === first?.object),
    );
    const found = isTear(first, second, intruder);
    if (found !== null) return found;
  }
  return null;
}

/** Both reach a part that one of them changes. */
const conflict = (a: TraceStep, b: TraceStep): boolean => disturbs(a, b) || disturbs(b, a);
const disturbs = (one: TraceStep, other: TraceStep): boolean =>
  [one.object, ...one.changes.map(({ path }) => path)].some(
    (path) => (changes(one, path) || writes(one, path)) && touches(other, path),
  );
