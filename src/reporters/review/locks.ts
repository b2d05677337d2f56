/** What each lock is in the way of, and the entry that it would have in a document on locking (Documentation/virt/kvm/locking.rst). */
import type { Block } from '../../document/document.ts';
import type { GuardedField } from '../../review/guarded-by.ts';
import type { LockFacts } from '../../review/lock-facts.ts';
import type { Locking } from '../../review/locking.ts';
import { count, grouped, listed, wrap } from '../layout.ts';
import { bullets, type Differing, differingTable, paragraph, type Told } from './as-before.ts';
import { needsLock } from './guarded-by.ts';
import { address, calls, code } from './spell.ts';

/** Everything that is said of each lock, but for numbers of states, which no two variants have in common. */
export const toldOfLocks = (locks: readonly LockFacts[]): Told =>
  new Map(locks.map((lock) => [lock.lock, JSON.stringify(rowOf(lock))]));

export const lockBlocks = (locks: readonly LockFacts[], differing: Differing): readonly Block[] =>
  differingTable(differing, {
    head: ['lock', 'taken in', 'while it is held'],
    rows: locks.map(rowOf),
    none: 'No lock is taken.',
  });

function rowOf({ lock, taken, calls: called, callbacks, waits, allocations }: LockFacts): readonly string[] {
  const held = [
    called.length === 0 ? 'reads and assignments only' : calls(called),
    ...callbacks.map(({ by, function: name }) => `calls back ${calls([name])} from ${calls([by])}`),
    ...waits.map(({ event, function: name }) => `waits for others: ${calls([event])} in ${calls([name])}`),
    ...allocations.map(({ function: name }) => `allocates in ${calls([name])}`),
  ];
  return [code(lock), calls(taken.map((site) => site.function)), [...new Set(held)].join('; ')];
}

/** @param lockings by variant */
export function contention(lockings: ReadonlyMap<string, Locking>): readonly Block[] {
  const waited = [...lockings].flatMap(([variant, { locks, states }]) =>
    locks
      .filter(({ contended }) => contended > 0)
      .map((facts) => `${address(facts.lock)} in ${code(variant)}: ${waitedFor(facts, states)}`),
  );
  const never = [...lockings].flatMap(([variant, { locks }]) => {
    const idle = locks.filter(({ contended }) => contended === 0).map(({ lock }) => address(lock));
    return idle.length === 0 ? [] : [`Never waited for in ${code(variant)}: ${idle.join(', ')}.`];
  });
  const reduced = [...lockings].filter(([, { isWhole }]) => !isWhole).map(([variant]) => code(variant));
  return [
    paragraph('How often a thread waits for a lock, of the states in which nothing has gone wrong yet, and behind whom:'),
    ...bullets([...waited, ...never]),
    ...(reduced.length === 0
      ? []
      : [paragraph(`The search of ${listed(reduced)} was reduced: its counts are of the states that it has stored.`)]),
  ];
}

function waitedFor({ contended, mostWaiting, longestChain, chainHolder }: LockFacts, states: number): string {
  const links = longestChain ?? [];
  const chain = links.map(({ thread, function: name, waitsFor }, i) => {
    const holder = links[i + 1]?.thread ?? chainHolder;
    const behind = holder === null ? '' : `, behind ${code(holder)}`;
    return `${code(thread)} in ${calls([name])}${i === 0 ? '' : ` for ${address(waitsFor)}`}${behind}`;
  });
  const most = mostWaiting > 1 ? `, ${mostWaiting} threads at a time` : '';
  return `in ${grouped(contended)} of ${count(states, 'state')}${most}; longest chain: ${chain.join('; ')}.`;
}

/**
 * @param order where the lock stands among others, as a clause; null where nothing is known of that
 * @returns none where it protects nothing that two threads share
 */
export function lockEntry(facts: LockFacts, fields: readonly GuardedField[], order: string | null): readonly string[] {
  const guards = fields.filter((field) => needsLock(field) && field.writes.locks.includes(facts.lock));
  const protects = guards.map(({ field, writes, reads }) => {
    const broken = [
      ...(writes.broken > 0 ? [`${writes.broken} of ${count(writes.sites.length, 'write')}`] : []),
      ...(reads.locks.includes(facts.lock) || reads.sites.length === 0
        ? reads.broken > 0
          ? [`${reads.broken} of ${count(reads.sites.length, 'read')}`]
          : []
        : ['reads']),
    ];
    return broken.length === 0 ? field : `${field} (but for ${broken.join(' and ')})`;
  });
  if (protects.length === 0) return [];
  const title = `\`\`${facts.lock}\`\``;
  return [
    title,
    '^'.repeat(title.length),
    '',
    ...entry('Type', [facts.type]),
    ...entry(
      'Protects',
      protects.map((name) => `- ${name}`),
    ),
    ...(order === null ? [] : entry('Order', [order])),
    ...entry('Comment', [`Taken in ${plain(facts.taken.map((site) => site.function))}.${whileHeld(facts)}`]),
  ];
}

const plain = (functions: readonly string[]): string => listed([...new Set(functions)].map((name) => `${name}()`));

function whileHeld({ callbacks, waits }: LockFacts): string {
  const back = callbacks.length === 0 ? '' : ` Held across the callbacks ${plain(callbacks.map((each) => each.function))}.`;
  const waiting = waits.length === 0 ? '' : ` Held while ${plain(waits.map((each) => each.function))} waits for others.`;
  return `${back}${waiting}`;
}

const COLUMN = 12;

function entry(name: string, items: readonly string[]): readonly string[] {
  return items.flatMap((item, i) => {
    const indent = ' '.repeat(COLUMN + (item.startsWith('- ') ? 2 : 0));
    return wrap(item, i === 0 ? `:${name}:`.padEnd(COLUMN) : ' '.repeat(COLUMN), indent, 71);
  });
}
