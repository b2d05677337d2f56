/**
 * Locks held over more: around the steps that race, or over the functions in which they stand, on each side on which they
 * are not held already. What one side holds alone protects nothing, so both go together.
 */
import type { Hold } from '../../model/edit.ts';
import { lockIn } from '../../model/editing/locks.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Flow } from '../flow.ts';
import type { KnownLock } from './known-locks.ts';
import { isOwnStepOf, type Taken } from './steps-taken.ts';

/** One way in which one side comes to hold the lock. */
interface Part {
  readonly edits: readonly Hold[];
  readonly says: string;
  readonly size: number;
}

const NOTHING: Part = { edits: [], says: '', size: 0 };

/** @param sides the racing steps, those of one call together */
export function heldOverMore(
  sides: readonly (readonly Taken[])[],
  all: readonly Taken[],
  locks: readonly KnownLock[],
  flow: Flow,
): readonly Candidate[] {
  return locks.flatMap((lock) => {
    const ways = sides.map((side) => waysToHold(lock, side, all, flow));
    return combinations(ways).flatMap((parts): readonly Candidate[] => {
      const edits = parts.flatMap((part) => part.edits);
      if (edits.length === 0) return [];
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      const said = parts.map(({ says }) => says).filter((says) => says !== '');
      const kind = parts.every((part) => part.size < 2) ? 'widen a section' : 'take a lock';
      return [{ kind, says: [...new Set(said)].join(', and '), edits: unique(edits), size, group: `hold ${lock.object}` }];
    });
  });
}

const unique = (edits: readonly Hold[]): readonly Hold[] => [
  ...new Map(edits.map((edit) => [JSON.stringify(edit), edit])).values(),
];

const combinations = (ways: readonly (readonly Part[])[]): readonly (readonly Part[])[] =>
  ways.reduce<readonly (readonly Part[])[]>((all, some) => all.flatMap((parts) => some.map((part) => [...parts, part])), [[]]);

function waysToHold(lock: KnownLock, side: readonly Taken[], all: readonly Taken[], flow: Flow): readonly Part[] {
  const [first, last] = [side[0], side.at(-1)];
  if (first === undefined || last === undefined) return [NOTHING];
  const between = all.filter(
    ({ trace: { index, thread } }) => thread === first.trace.thread && index > first.trace.index && index < last.trace.index,
  );
  const own =
    (does: 'acquire' | 'release') =>
    ({ step }: Taken) => {
      const found = lockIn(step);
      return found?.object === lock.object && found.does === does;
    };
  const [release, acquire] = [between.find(own('release')), between.findLast(own('acquire'))];
  const [isAtFirst, isAtLast] = [first, last].map(({ trace }) => trace.held.includes(lock.object));
  if (isAtFirst && isAtLast && release === undefined) return [NOTHING];
  const around = first === last ? calls(first) : `${calls(first)} ... ${calls(last)}`;
  const place = inFunction(last.where.activations);
  const from = (isAtFirst ? release : first) ?? first;
  const to = (isAtLast ? acquire : last) ?? last;
  const says =
    isAtFirst && isAtLast
      ? `keep ${lock.name} between ${calls(first)} and ${calls(last)} in ${place}`
      : isAtFirst
        ? `keep ${lock.name} until after ${calls(last)} in ${place}`
        : isAtLast
          ? `take ${lock.name} before ${calls(first)} in ${place}`
          : `take ${lock.name} around ${around} in ${place}`;
  const within = all.filter(
    ({ trace: { index, thread } }) => thread === first.trace.thread && index >= from.trace.index && index < to.trace.index,
  );
  const before = waysOut(within, to.where.key, flow);
  const tight: Part = {
    edits: [{ ...hold(lock, from.where.key, to.where.key), before }],
    says,
    size: isAtFirst || isAtLast ? 1 : 2,
  };
  return isAtFirst || isAtLast ? [tight] : [tight, ...overFunctions(lock, first, last, all)];
}

/** Where the code goes from a part of the run but along it: there the part has ended as well. */
function waysOut(part: readonly Taken[], end: string, flow: Flow): readonly string[] {
  const keys = new Set([...part.map(({ where }) => where.key), end]);
  const out = part.flatMap(({ where }) => flow.from(where.key).flatMap(({ to }) => (to === null ? [] : [to.site.key])));
  return [...new Set(out)].filter((key) => !keys.has(key)).toSorted();
}

const calls = ({ step }: Taken): string => `${step.step[0].messages[0].event.type}()`;

const hold = ({ take, release }: KnownLock, from: string, to: string | null): Hold => ({ kind: 'hold', take, release, from, to });

/** From the first statement of its own in each function in which all of them stand, to where that function returns. */
function overFunctions(lock: KnownLock, first: Taken, last: Taken, all: readonly Taken[]): readonly Part[] {
  const { activations } = first.where;
  const common = activations.filter((one, depth) => one === last.where.activations[depth]);
  return common.toReversed().flatMap((_, i): readonly Part[] => {
    const scope = common.slice(0, common.length - i);
    const begins = all.find(
      (one) =>
        one.trace.thread === first.trace.thread &&
        one.trace.call === first.trace.call &&
        one.trace.index <= first.trace.index &&
        isOwnStepOf(one, scope),
    );
    if (begins === undefined) return [];
    const says = `hold ${lock.name} over ${begins.where.key === first.where.key ? 'the rest of ' : ''}${inFunction(scope)}`;
    return [{ edits: [hold(lock, begins.where.key, null)], says, size: 2 + 0.1 * (i + 1) }];
  });
}
