/** The same steps in another order: publish last, unpublish first. */
import { lockIn } from '../../model/editing/locks.ts';
import { isWithin } from '../../model/editing/site.ts';
import type { Flow } from '../flow.ts';
import type { Stand } from '../sites.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

/** A step is moved past no more than so many others. */
const FURTHEST = 12;

export function inAnotherOrder(marked: readonly Taken[], all: readonly Taken[], flow: Flow): readonly Candidate[] {
  return [
    ...marked.flatMap((one) => [...laterThan(one, all), ...putOff(one, flow)]),
    ...all.flatMap((one) => doneLast(one, flow)),
  ];
}

/** What the function has done before the racing step, after it. */
function laterThan(racing: Taken, all: readonly Taken[]): readonly Candidate[] {
  const { where, trace } = racing;
  const before = all.filter(
    (one) =>
      one.trace.thread === trace.thread &&
      one.trace.call === trace.call &&
      one.trace.index < trace.index &&
      isMovable(one) &&
      isWithin(racing.step, one.where.activations),
  );
  return before.slice(-FURTHEST).map((one) => moved(one.where.key, one.trace.c, [where.key], trace.c, one));
}

/** The racing step itself, after what its function does next. */
function putOff(racing: Taken, flow: Flow): readonly Candidate[] {
  if (!isMovable(racing)) return [];
  return afterwards(racing, flow)
    .slice(0, FURTHEST)
    .map(({ key, c }) => moved(racing.where.key, racing.trace.c, [key], c, racing));
}

/** A write by which others may find what is not ready yet, after all that its function does. */
function doneLast(one: Taken, flow: Flow): readonly Candidate[] {
  if (!isMovable(one) || one.where.activations.length === 0 || !['write', 'signal', 'update'].includes(one.trace.means.kind))
    return [];
  const last = afterwards(one, flow).filter(({ isLast }) => isLast);
  if (last.length === 0) return [];
  const { where, trace } = one;
  return [
    {
      kind: 'another order of steps',
      says: `${trace.c} only after all else in ${inFunction(where.activations)}`,
      edits: [{ kind: 'delay', at: where.key, past: last.map(({ key }) => key) }],
      size: 1,
      group: `order ${where.key}`,
    },
  ];
}

interface Later {
  readonly key: string;
  readonly c: string;
  /** The function may return right after it. */
  readonly isLast: boolean;
}

/** What the function may do after the step, the nearest first. */
function afterwards({ where }: Taken, flow: Flow): readonly Later[] {
  const passed = new Map<string, Later>();
  const isInside = ({ step }: Stand) => isWithin(step, where.activations);
  for (let at = [where.key]; at.length > 0; ) {
    const next = new Set<string>();
    for (const key of at)
      for (const { from, to } of flow.from(key)) {
        if (to === null || !isInside(from) || !isInside(to) || to.site.key === where.key || passed.has(to.site.key)) continue;
        const isLast = flow.from(to.site.key).some((then) => isInside(then.from) && (then.to === null || !isInside(then.to)));
        passed.set(to.site.key, { key: to.site.key, c: to.site.c, isLast });
        next.add(to.site.key);
      }
    at = [...next];
  }
  return [...passed.values()];
}

const isMovable = ({ step, trace }: Taken): boolean =>
  step.step.length === 1 &&
  lockIn(step) === null &&
  trace.reply === null &&
  !['alloc', 'choose', 'read', 'wait'].includes(trace.means.kind);

const moved = (at: string, c: string, past: readonly string[], pastC: string, { where }: Taken): Candidate => ({
  kind: 'another order of steps',
  says: `${c} only after ${pastC} in ${inFunction(where.activations)}`,
  edits: [{ kind: 'delay', at, past }],
  size: 1,
  group: `order ${at}`,
});
