/** The orders of locks that a kernel would warn of, each by a name that does not depend on the run that shows it. */
import { irqConflicts, type IrqConflict } from '../../locks/irq-usage.ts';
import { type Cycle, cyclesIn, type Link, recursionsIn, subclassedWith } from '../../locks/lock-cycles.ts';
import { type Attempt, lockEdges, siteOf } from '../../locks/lock-edges.ts';
import { whyNotCircular, whyNotInHandler, whyNotRecursive } from '../../locks/refute.ts';
import {
  attemptsOf,
  mayBeLetOut,
  type WaitTest,
  waitsInCircle,
  waitsInHandler,
  waitsInOwnClass,
} from '../../locks/waits-in-circle.ts';
import { plainName } from '../../model/names.ts';
import type { Program } from '../../tables/program.ts';
import type { LockOrder, OrderLink } from './lock-order.ts';

export interface Pattern {
  readonly shape: LockOrder['shape'];
  /** What is wrong, as a clause. */
  readonly text: string;
  readonly prints: string;
  /** The lock that closes the circle, and the kernel's names of the acquires by which it begins and is closed. */
  readonly object: string;
  readonly between: readonly [string, string];
  /** Attempts of which a run has to have one each, to show all of it. */
  readonly steps: readonly (readonly Attempt[])[];
  /** @param attempts one for each of the steps */
  links(attempts: readonly Attempt[]): readonly OrderLink[];
  readonly waits: WaitTest;
  /** The same until a signal or the time lets one of them out; null where nothing does. */
  readonly waitsForAWhile: WaitTest | null;
  /** Why it never ends in a deadlock, if the places tell. */
  whyNot(): string | null;
}

/** @param positions those that count, by number; all that are known, unless it is said */
export function patternsOf(program: Program, positions?: Iterable<number>): readonly Pattern[] {
  const ids = [...(positions ?? program.positions.keys())];
  const edges = lockEdges(program, ids);
  const recursions = recursionsIn(edges);
  return [
    ...cyclesIn(edges).map((cycle) => circular(program, cycle, recursions)),
    ...recursions.map((link) => recursive(program, link, subclassedWith(link, edges))),
    ...irqConflicts(program, ids).map((conflict) => irq(program, conflict)),
  ];
}

function circular(program: Program, cycle: Cycle, recursions: readonly Link[]): Pattern {
  const within = recursions.filter(({ edges: [{ from }] }) => cycle.some(({ edges }) => edges[0].from.key === from.key));
  const names = cycle.map(({ edges: [{ from }] }) => from.name);
  const all = cycle.map(attemptsOf);
  const first = named(all[0] ?? [], leastEvent(all[0] ?? []), null);
  const last = all.at(-1) ?? [];
  const object = leastObject(last);
  const closing = named(last, leastEvent(named(last, null, object)), object);
  return {
    shape: 'circular',
    text:
      names.length === 2
        ? `${names.join(' and ')} are taken in both orders`
        : `${names.slice(0, -1).join(', ')} and ${names.at(-1)} are taken in a circle`,
    prints: 'WARNING: possible circular locking dependency detected',
    object,
    between: [leastEvent(first), leastEvent(closing)],
    steps: [first, ...all.slice(1, -1), closing],
    links: (attempts) => attempts.flatMap((attempt, i) => linkOf(program, cycle[i], attempt)),
    waits: waitsInCircle(program, cycle, within),
    waitsForAWhile: mayBeLetOut([...cycle, ...within]) ? waitsInCircle(program, cycle, within, true) : null,
    whyNot: () => whyNotCircular(program, cycle, within),
  };
}

function recursive(program: Program, link: Link, others: readonly Link[]): Pattern {
  const all = attemptsOf(link);
  const object = leastObject(all);
  const event = leastEvent(named(all, null, object));
  const { from } = link.edges[0];
  const what = link.edges.every(({ attempts }) => attempts.every(({ holds, takes }) => holds === takes))
    ? `${from.name} is taken for reading by who holds it for reading already`
    : `${from.name} is taken while another lock of its class is held`;
  return {
    shape: 'recursive',
    text: what,
    prints: 'WARNING: possible recursive locking detected',
    object,
    between: [event, event],
    steps: [named(all, event, object)],
    links: (attempts) => attempts.flatMap((attempt) => linkOf(program, link, attempt)),
    waits: waitsInOwnClass(program, link, others),
    waitsForAWhile: mayBeLetOut([link, ...others]) ? waitsInOwnClass(program, link, others, true) : null,
    whyNot: () => whyNotRecursive(program, link, others),
  };
}

function irq(program: Program, conflict: IrqConflict): Pattern {
  const { lock, inHandler, withIrqsOn } = conflict;
  const outside = withIrqsOn.attempts;
  const object = leastObject(inHandler.attempts);
  const event = leastEvent(named(inHandler.attempts, null, object));
  return {
    shape: 'irq',
    text: `${lock.name} is taken in an interrupt handler, and elsewhere with interrupts on`,
    prints: 'WARNING: inconsistent lock state',
    object,
    between: [leastEvent(outside), event],
    steps: [named(outside, leastEvent(outside), null), named(inHandler.attempts, event, object)],
    links: (attempts) =>
      attempts.map((attempt, i) => {
        const { shared } = i === 0 ? withIrqsOn : inHandler;
        const { thread, functions, held } = siteOf(program, attempt);
        return { thread, functions, held, holds: lock.name, takes: lock.name, holdsShared: shared, takesShared: shared };
      }),
    waits: waitsInHandler(program, conflict),
    waitsForAWhile: null,
    whyNot: () => whyNotInHandler(program, conflict),
  };
}

function linkOf(program: Program, link: Link | undefined, attempt: Attempt): readonly OrderLink[] {
  const edge = link?.edges.find(({ attempts }) => attempts.includes(attempt));
  if (edge === undefined) return [];
  const { from, to, holdsShared, takesShared } = edge;
  const { thread, functions, held } = siteOf(program, attempt);
  return [{ thread, functions, held, holds: from.name, takes: to.name, holdsShared, takesShared }];
}

const least = (names: readonly string[]): string => names.toSorted()[0] ?? '';
const leastEvent = (attempts: readonly Attempt[]): string => least(attempts.map(({ event }) => event));
const leastObject = (attempts: readonly Attempt[]): string => least(attempts.map(({ takes }) => plainName(takes)));

const named = (attempts: readonly Attempt[], event: string | null, object: string | null): readonly Attempt[] =>
  attempts.filter(
    (attempt) => (event ?? attempt.event) === attempt.event && (object ?? plainName(attempt.takes)) === plainName(attempt.takes),
  );
