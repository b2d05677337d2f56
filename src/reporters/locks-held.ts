/** Which locks were held at the racing steps, or by the threads that are stuck. */
import type { Finding } from '../check/finding.ts';
import { plainName } from '../model/names.ts';
import type { Trace, TraceStep } from '../trace/trace.ts';
import { ascii, cut, wrap } from './layout.ts';
import type { NameOf } from './rows.ts';
import { subjectOf } from './spoken-step.ts';
import { whoIsStuck } from './stuck.ts';

export function locksHeld(finding: Finding, trace: Trace, threads: readonly string[], nameOf: NameOf): readonly string[] {
  const { pair, fault } = finding;
  const marked = trace.steps.filter(({ index }) => pair.marked.includes(index));
  const isKept = fault.kind === 'sleep-in-atomic' || fault.kind === 'lock-held-at-exit';
  if (marked.length > 0 && !isKept)
    return section(
      'Locks held at the steps marked *:',
      marked.map((step) => ({ who: `${nameOf(step.thread)} ${calleeOf(step.c)}`, locks: heldAt(step, trace) })),
    );
  const stuck = whoIsStuck(finding, trace).filter(({ thread }) => threads.includes(thread));
  return section(
    isKept ? 'Locks held in the end:' : 'Locks held by those who wait:',
    stuck.map(({ thread, held }) => ({ who: nameOf(thread), locks: held.map((lock) => spellLock(lock, thread, trace)) })),
  );
}

/** Beside a longer name no lock would fit. */
const MOST_NAME = 52;

interface Holder {
  readonly who: string;
  readonly locks: readonly string[];
}

function section(title: string, holders: readonly Holder[]): readonly string[] {
  if (holders.length === 0) return [];
  if (holders.every(({ locks }) => locks.length === 0)) return ['', title.replace(/:$/, ': none.')];
  const longest = Math.min(MOST_NAME, Math.max(...holders.map(({ who }) => who.length)));
  const lines = holders.flatMap(({ who, locks }) => {
    const begin = `  ${who.padEnd(longest)}  `;
    return wrap(locks.length === 0 ? 'none' : locks.join(', '), begin, ' '.repeat(begin.length));
  });
  return ['', title, ...new Set(lines)];
}

const calleeOf = (c: string): string => {
  const [, name] = /^(\w+)\(/.exec(c) ?? [];
  return name === undefined ? cut(ascii(c), 30) : `${name}()`;
};

const heldAt = ({ held, thread }: TraceStep, trace: Trace): readonly string[] =>
  held.map((lock) => spellLock(lock, thread, trace)).toSorted();

/** As the thread spelled it when it took it. */
export function spellLock(lock: string, thread: string, { steps }: Trace): string {
  const taken = steps.findLast((step) => step.thread === thread && step.object === lock && step.means.kind === 'acquire');
  return taken === undefined ? `&${plainName(lock).replace('.', '->')}` : subjectOf(taken.c);
}
