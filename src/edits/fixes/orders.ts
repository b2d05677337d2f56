/** The same steps in another order: publish last, unpublish first. */
import { lockIn } from '../../model/editing/locks.ts';
import { isWithin } from '../../model/editing/site.ts';
import type { Flow } from '../flow.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

/** A step is moved past no more than so many others. */
const FURTHEST = 12;

export function inAnotherOrder(marked: readonly Taken[], all: readonly Taken[], flow: Flow): readonly Candidate[] {
  return marked.flatMap((one) => [...laterThan(one, all), ...putOff(one, flow)]);
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
  const passed = new Map<string, string>();
  for (let at = [racing.where.key], n = 0; at.length > 0 && n < FURTHEST; n++) {
    const next = new Set<string>();
    for (const key of at)
      for (const { to } of flow.from(key))
        if (to !== null && isWithin(to.step, racing.where.activations) && !passed.has(to.site.key)) {
          passed.set(to.site.key, to.site.c);
          next.add(to.site.key);
        }
    at = [...next];
  }
  return [...passed].map(([key, c]) => moved(racing.where.key, racing.trace.c, [key], c, racing));
}

const isMovable = ({ step, trace }: Taken): boolean =>
  step.step.length === 1 && lockIn(step) === null && trace.reply === null && !['alloc', 'choose', 'read', 'wait'].includes(trace.means.kind);

const moved = (at: string, c: string, past: readonly string[], pastC: string, { where }: Taken): Candidate => ({
  kind: 'another order of steps',
  says: `${c} only after ${pastC} in ${inFunction(where.activations)}`,
  edits: [{ kind: 'delay', at, past }],
  size: 1,
  group: `order ${at}`,
});
