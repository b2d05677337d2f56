/** Which steps of a counterexample a reader needs: the others are elided. */
import type { Json } from '../../machines/object.ts';
import type { Finding } from '../check/finding.ts';
import { plainName } from '../model/names.ts';
import type { Trace, TraceStep } from '../trace/trace.ts';

/** @returns for each step, by its index, whether it is kept */
export function relevantSteps(finding: Finding, { steps, standing }: Trace): ReadonlySet<number> {
  const marked = new Set(finding.pair.marked);
  const objects = new Set([
    plainName(finding.object),
    ...finding.fault.sites.map(({ object }) => plainName(object)),
    ...steps.filter(({ index }) => marked.has(index)).map(({ object }) => plainName(object)),
  ]);
  const structs = new Set([...objects].map(structOf));
  const contended = contendedLocks({ steps, standing });
  const keep = (step: TraceStep): boolean =>
    marked.has(step.index) ||
    step.splats.length > 0 ||
    step.way !== null ||
    step.means.kind === 'choose' ||
    touched(step).some((path) => objects.has(path) || contended.has(path)) ||
    concerns(step, structs);
  return new Set(steps.filter(keep).map(({ index }) => index));
}

const touched = ({ object, changes }: TraceStep): readonly string[] =>
  [object, ...changes.map(({ path }) => path)].map(plainName);

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

const structOf = (path: string): string => plainName(path).split('.', 1)[0] ?? path;

/** Of the whole object matter its life and its references, and how a thread came by its name. */
function concerns(step: TraceStep, structs: ReadonlySet<string>): boolean {
  const ofItsLife = ['alloc', 'free', 'get', 'put', 'signal', 'wait'].includes(step.means.kind);
  if (ofItsLife && structs.has(structOf(step.object))) return true;
  return [step.reply, ...Object.values(step.event)].some((value) => structs.has(plainName(nameIn(value))));
}

const nameIn = (value: Json): string => {
  const name = typeof value === 'object' && value !== null && 'at' in value ? value.at : null;
  return typeof name === 'string' ? name : '';
};
