/**
 * Two functions do the same where it has not been done yet: `if (read(x) == 0) set(x)`. Their common caller does it in
 * their stead, once, before it calls either; by itself or under a lock.
 */
import type { Message } from '../../../actors/step.ts';
import type { Edit, Hold, Insert } from '../../model/edit.ts';
import type { Flow, Passage } from '../flow.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { KnownLock } from './known-locks.ts';
import { isOwnStepOf, type Taken } from './steps-taken.ts';

export function movedToTheCaller(
  marked: readonly Taken[],
  all: readonly Taken[],
  locks: readonly KnownLock[],
  flow: Flow,
): readonly Candidate[] {
  return marked.flatMap((racing) => {
    const pairs = pairsLike(racing, flow);
    if (new Set(pairs.map(({ to }) => functionOf(to?.activations))).size < 2) return [];
    return callersOf(racing, pairs).flatMap((caller) => {
      const at = lastOwnStep(caller, racing, all);
      return at === null ? [] : inCaller(at, pairs, locks, flow);
    });
  });
}

/** All places where the same is read and then the same is written. */
function pairsLike({ step, trace }: Taken, flow: Flow): readonly Passage[] {
  const [message] = step.step[0].messages;
  if (trace.means.kind !== 'write' || step.step.length > 1) return [];
  const isSame = (passage: Passage) => {
    const then = passage.to?.step.step[0].messages[0];
    const [read] = passage.from.step.step[0].messages;
    return (
      then?.object === message.object &&
      JSON.stringify(then.event) === JSON.stringify(message.event) &&
      read.object === message.object &&
      read.means.kind === 'read'
    );
  };
  const pairs = flow.passages.filter(isSame);
  return [...new Map(pairs.map((pair) => [`${pair.from.site.key} ${pair.to?.site.key}`, pair])).values()];
}

const functionOf = (activations: readonly string[] | undefined): string => activations?.at(-1)?.split(' ')[0] ?? '';
const namesOf = (activations: readonly string[]): readonly string[] => activations.map((one) => one.split(' ')[0] ?? '');

/** The functions that stand open around the racing step, and by their names around all the others: innermost first. */
function callersOf({ where }: Taken, pairs: readonly Passage[]): readonly (readonly string[])[] {
  const scopes = where.activations.map((_, depth) => where.activations.slice(0, depth + 1)).toReversed();
  const name = (scope: readonly string[]) => functionOf(scope);
  return scopes
    .slice(1)
    .filter((scope) => pairs.every(({ to }) => namesOf(to?.activations ?? []).includes(name(scope))))
    .slice(0, 1);
}

/** The last statement of the caller itself before the racing step. */
const lastOwnStep = (caller: readonly string[], racing: Taken, all: readonly Taken[]): Taken | null =>
  all.findLast(
    (one) =>
      one.trace.thread === racing.trace.thread &&
      one.trace.call === racing.trace.call &&
      one.trace.index < racing.trace.index &&
      isOwnStepOf(one, caller),
  ) ?? null;

function inCaller(at: Taken, pairs: readonly Passage[], locks: readonly KnownLock[], flow: Flow): readonly Candidate[] {
  const [pair] = pairs;
  const [message, ...along] = pair?.to?.step.step[0].messages ?? [];
  const read = pair?.from.step.step[0].messages[0];
  if (pair === undefined || message === undefined || read === undefined) return [];
  const drops = pairs.map((one): Edit => ({ kind: 'drop', at: [one.to?.site.key ?? ''] }));
  const insert: Insert = {
    kind: 'insert',
    at: at.where.key,
    where: 'after',
    message,
    along,
    ...(isOfOneStruct(at, message) ? { of: structOf(message.object) } : {}),
    only: { if: read, replies: pair.reply },
  };
  const functions = [...new Set(pairs.map(({ to }) => inFunction(to?.activations ?? [])))].join(' and ');
  const what = flow.sites.spell(message);
  const says = `${what} in one place, ${inFunction(at.where.activations)}, before ${functions}, which do without`;
  const plain: Candidate = {
    kind: 'once in the caller',
    says,
    edits: [...drops, insert],
    size: 1 + pairs.length,
    group: `caller ${at.where.key}`,
  };
  const guarded = locks.map((lock): Candidate => {
    const size = plain.size + 2;
    return {
      ...plain,
      says: `${says}; under ${lock.name}`,
      edits: [...plain.edits, around(lock, at, read, message, flow)],
      size,
    };
  });
  return [plain, ...guarded];
}

const structOf = (path: string): string => path.split('.')[0] ?? '';
const isOfOneStruct = ({ trace }: Taken, { object }: Message): boolean => structOf(trace.object) === structOf(object);

/** The two steps that are inserted stand at the place of the statement that they follow. */
function around({ take, release }: KnownLock, at: Taken, read: Message, write: Message, flow: Flow): Hold {
  const place = at.where.key.slice(at.where.key.lastIndexOf('@'));
  const then = flow.from(at.where.key).flatMap(({ to }) => (to === null ? [] : [to.site.key]));
  return {
    kind: 'hold',
    take,
    release,
    from: `${read.event.type}${place}`,
    to: `${write.event.type}${place}`,
    before: [...new Set(then)],
  };
}
