/** Which steps of a counterexample a reader needs: the others are elided. */
import type { Kind } from '../../machines/object.ts';
import type { Finding } from '../check/finding.ts';
import { plainName } from '../model/names.ts';
import type { Trace, TraceStep } from '../trace/trace.ts';
import { nameIn } from './name-in.ts';

/** Where a thread cannot go on, or not one access but the life of an object is at stake. */
const STUCK: ReadonlySet<Kind> = new Set<Kind>(['deadlock', 'hung-task', 'starvation']);
const OF_LIFE: ReadonlySet<Kind> = new Set<Kind>(['use-after-free', 'double-free', 'null-deref']);

/** @returns the indexes of the steps that are kept */
export function relevantSteps(finding: Finding, trace: Trace): ReadonlySet<number> {
  const { kind, pair } = finding;
  const objects = objectsOf(finding, trace);
  const structs = new Set([...objects].map(structOf));
  for (const path of decisiveFor(trace)) objects.add(path);
  const ofLife = STUCK.has(kind) || OF_LIFE.has(kind);
  const keep = (step: TraceStep): boolean =>
    pair.marked.includes(step.index) ||
    step.splats.length > 0 ||
    step.way !== null ||
    step.means.kind === 'choose' ||
    touched(step).some((path) => objects.has(path)) ||
    (ofLife && (isOfLife(step) || counts(step)) && structs.has(structOf(step.object))) ||
    (!STUCK.has(kind) && names(step).some((name) => name !== null && structs.has(name)));
  const kept = new Set(trace.steps.filter(keep).map(({ index }) => index));
  if (OF_LIFE.has(kind)) for (const index of handedOn(trace, structs)) kept.add(index);
  return new Set([...kept, ...lockSteps(trace, kept)]);
}

/** What the finding is about: its object, the racing steps, and what is waited for in a loop without end. */
function objectsOf({ object, fault, pair, loopFrom }: Finding, { steps }: Trace): Set<string> {
  const isWait = ({ means, way }: TraceStep) => means.kind === 'wait' || way !== null;
  const about = steps.filter(
    (step) => pair.marked.includes(step.index) || (loopFrom !== null && step.index >= loopFrom && isWait(step)),
  );
  return new Set([object, ...[...fault.sites, ...about].map((at) => at.object)].map(plainName));
}

/** A complaint of kernel code itself, `WARN_ON()`, is about what its function has read, and others have changed. */
function decisiveFor({ steps }: Trace): readonly string[] {
  const last = steps.at(-1);
  if (last?.object !== 'environment') return [];
  const within = last.functions.at(-1);
  const byOthers = new Set(
    steps.filter(({ thread }) => thread !== last.thread).flatMap(({ changes }) => changes.map(({ path }) => path)),
  );
  return steps
    .filter(({ thread, call, means }) => thread === last.thread && call === last.call && means.kind === 'read')
    .filter(({ functions, object }) => within !== undefined && functions.includes(within) && byOthers.has(object))
    .map(({ object }) => plainName(object));
}

/**
 * Why a thread let go of an object that another still reaches is often in a field: the store that the other thread made, the
 * one of a third that it wrote over, and the first load that went by it.
 */
function handedOn({ steps }: Trace, structs: ReadonlySet<string>): readonly number[] {
  const stores = new Map<string, { readonly by: string; readonly indexes: readonly number[] }>();
  const seen = new Set<string>();
  return steps.flatMap(({ index, thread, object, means }) => {
    const store = stores.get(object);
    if (means.kind === 'write') {
      const over = store !== undefined && store.by !== thread ? store.indexes.slice(-1) : [];
      stores.set(object, { by: thread, indexes: [...over, index] });
    }
    if (means.kind !== 'read' || store === undefined || store.by === thread || !structs.has(structOf(object))) return [];
    const reading = `${thread} ${store.indexes.at(-1)}`;
    if (seen.has(reading)) return [];
    seen.add(reading);
    return [...store.indexes, index];
  });
}

const touched = ({ object, changes }: TraceStep): readonly string[] =>
  [object, ...changes.map(({ path }) => path)].map(plainName);
const structOf = (path: string): string => plainName(path).split('.', 1)[0] ?? path;

const isOfLife = ({ means }: TraceStep): boolean => ['alloc', 'free', 'get', 'put', 'signal', 'wait'].includes(means.kind);

/** Users are also counted in plain and atomic numbers, for whom somebody may wait. */
const counts = ({ means, object, changes }: TraceStep): boolean =>
  means.kind === 'update' &&
  changes.some(({ path, before, after }) => path === object && isNumber(before.context) && isNumber(after.context));
const isNumber = (context: object): boolean => Object.values(context).every((value) => typeof value === 'number');

/** The objects that a step names: how a thread comes by a pointer, and who gives it away. */
const names = ({ reply, event }: TraceStep): readonly (string | null)[] => [reply, ...Object.values(event)].map(nameIn);

/** Takes and releases of contended locks, but not around what is elided altogether. */
function lockSteps(trace: Trace, kept: ReadonlySet<number>): readonly number[] {
  const contended = contendedLocks(trace);
  return trace.steps.flatMap((taken) => {
    if (taken.means.kind !== 'acquire' || !contended.has(plainName(taken.object))) return [];
    const later = trace.steps.filter(({ thread, index }) => thread === taken.thread && index > taken.index);
    const released = later.find(({ means, object }) => means.kind === 'release' && object === taken.object);
    if (released === undefined) return [taken.index];
    return later.some(({ index }) => index < released.index && kept.has(index)) ? [taken.index, released.index] : [];
  });
}

/** The locks that more than one thread takes, or stands before. */
function contendedLocks({ steps, standing }: Trace): ReadonlySet<string> {
  const takers = new Map<string, Set<string>>();
  const takes = (thread: string, object: string) => {
    const path = plainName(object);
    takers.set(path, (takers.get(path) ?? new Set<string>()).add(thread));
  };
  for (const { thread, object, means } of steps) if (means.kind === 'acquire') takes(thread, object);
  for (const { thread, object, blocked } of standing) if (blocked && object !== null) takes(thread, object);
  return new Set([...takers].filter(([, threads]) => threads.size > 1).map(([path]) => path));
}
