/** Why a circle of locks never becomes one of threads, where the places themselves tell. */
import type { Program } from '../tables/program.ts';
import { LockClasses } from './lock-class.ts';
import type { Attempt } from './lock-edges.ts';
import { attemptsOf } from './waits-in-circle.ts';
import type { IrqConflict } from './irq-usage.ts';
import type { Cycle, Link } from './lock-cycles.ts';

/**
 * @param within links from one class of the circle to itself
 * @returns a clause; null if nothing speaks against it but that it was never met
 */
export function whyNotCircular(program: Program, cycle: Cycle, within: readonly Link[]): string | null {
  const links = cycle.map(attemptsOf);
  const all = links.length === 2 ? 'both' : 'all';
  if (!canMeet(links, () => true)) {
    const threads = [...new Set(links.flat().map(({ position }) => position.thread))];
    const [only] = threads;
    if (threads.length === 1) return `${program.world.threads[only as number]?.name} alone takes them in ${all} orders`;
    return `no ${links.length} threads take them in these orders`;
  }
  const gate = gateOf(program, links);
  if (gate !== null) return `${gate} is held around ${all}`;
  // Between locks that are not the same a thread may stand that holds the one and waits for the other.
  if (within.length === 0 && !canMeet(links, (one, next) => one.takes === next.holds))
    return 'the locks that meet are never the same';
  return null;
}

/** @param others links between locks of the class of which a subclass tells one */
export function whyNotRecursive(program: Program, link: Link, others: readonly Link[]): string | null {
  const attempts = attemptsOf(link);
  // Who reads the very lock twice waits for itself, if a writer comes between: no other lock keeps that one out.
  const isAlone = attempts.some(({ holds, takes }) => holds === takes);
  const gate = isAlone || others.length > 0 ? null : gateOf(program, [attempts, attempts]);
  if (gate !== null && new Set(attempts.map(({ position }) => position.thread)).size > 1) return `${gate} is held around it`;
  for (let length = 1; length <= program.threads; length++) {
    const links = Array.from({ length }, () => [...attempts, ...others.flatMap(attemptsOf)]);
    if (canMeet(links, (one, next) => one.takes === next.holds)) return null;
  }
  return 'all take the locks in one order';
}

/** Some threads, all different, might stand at one attempt of each link, and those that follow each other fit. */
function canMeet(links: readonly (readonly Attempt[])[], fits: (one: Attempt, next: Attempt) => boolean): boolean {
  const seen = links.map((attempts) => [...new Map(attempts.map((attempt) => [nameOf(attempt), attempt])).values()]);
  const walk = (chosen: readonly Attempt[]): boolean => {
    const [first, last] = [chosen[0], chosen.at(-1)];
    if (chosen.length === seen.length) return first !== undefined && last !== undefined && fits(last, first);
    return (seen[chosen.length] as readonly Attempt[]).some(
      (next) =>
        chosen.every(({ position }) => position.thread !== next.position.thread) &&
        (last === undefined || fits(last, next)) &&
        walk([...chosen, next]),
    );
  };
  return walk([]);
}

const nameOf = ({ position, holds, takes }: Attempt): string => `${position.thread} ${holds} ${takes}`;

/** A lock that two threads cannot hold at once, and that is held wherever two of the links are taken. */
function gateOf(program: Program, links: readonly (readonly Attempt[])[]): string | null {
  const classes = new LockClasses(program.world);
  for (const [i, one] of links.entries())
    for (const [j, other] of links.entries()) {
      if (i === j) continue;
      const gate = heldAtAll(one, true).find((object) => heldAtAll(other, false).includes(object));
      if (gate !== undefined) return classes.nameOf(gate);
    }
  return null;
}

/** Beside the lock that makes the link. */
function heldAtAll(attempts: readonly Attempt[], exclusively: boolean): readonly string[] {
  const heldAt = ({ position, holds }: Attempt): readonly string[] =>
    position.held
      .filter(({ object, mode }) => object !== holds && (!exclusively || mode === 'exclusive'))
      .map(({ object }) => object);
  const [first, ...others] = attempts;
  return first === undefined ? [] : heldAt(first).filter((object) => others.every((attempt) => heldAt(attempt).includes(object)));
}

export function whyNotInHandler(program: Program, { inHandler, withIrqsOn }: IrqConflict): string | null {
  const cpuOf = ({ position }: Attempt) => program.world.threads[position.thread]?.cpu?.path ?? null;
  const meets = (one: Attempt, other: Attempt) => one.position.thread !== other.position.thread && one.takes === other.takes;
  const pairs = inHandler.attempts.flatMap((one) =>
    withIrqsOn.attempts.filter((other) => meets(one, other)).map((other) => [one, other] as const),
  );
  if (pairs.length === 0) return 'the handler takes another lock of the class';
  return pairs.some(([one, other]) => cpuOf(one) !== null && cpuOf(one) === cpuOf(other))
    ? null
    : 'the handler runs on another CPU';
}
