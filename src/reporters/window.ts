/** The race window in words: who has to be held up between which two kernel calls, and how likely it is at random. */
import { type Delay, type Places, type Turn, turnsOf } from '../check/delays.ts';
import type { Finding } from '../check/finding.ts';
import type { Window } from '../check/window.ts';
import type { Standing, TraceStep } from '../trace/trace.ts';
import { count, listed, wrap } from './layout.ts';
import { spellLock } from './locks-held.ts';
import { oddsText } from './odds.ts';
import { functionOf, spokenBy } from './spoken-by.ts';

export function windowText({ trace, loopFrom }: Finding, window: Window | null): readonly string[] {
  if (window === null || trace === null) return [];
  const { delays, odds } = window;
  if (delays.length > 0)
    return ['Race window:', ...delays.flatMap((delay, i) => delayText(delay, i, delays.length, trace.steps)), ...oddsText(odds)];
  const turns = turnsOf(trace.steps.filter(({ index }) => loopFrom === null || index < loopFrom));
  return [
    ...wrap(
      `Race window: nobody has to be held up. It is enough that ${turns.length > 1 ? 'they run in this order' : 'it runs'}:`,
    ),
    ...turnsText(turns, '  ', 'runs'),
    ...oddsText(odds),
  ];
}

function delayText(delay: Delay, nth: number, of: number, steps: readonly TraceStep[]): readonly string[] {
  const { thread, after, before, meanwhile, places } = delay;
  const isCall = /^\w+\(.*\)$/.test(after.c);
  const begin = of === 1 ? '  ' : `  ${nth + 1}. `;
  const indent = ' '.repeat(begin.length);
  return [
    ...wrap(
      `${thread} is overtaken ${between(after, before)}.${places === null ? '' : ` ${width(places, thread)}`}`,
      begin,
      indent,
    ),
    ...wrap(`On a kernel: delay it ${isCall ? 'after that call' : 'there'} (${means(delay, steps)}) until`, indent),
    ...turnsText(meanwhile, `${indent}  `, 'has run'),
  ];
}

const between = (after: TraceStep, before: TraceStep | Standing): string => {
  const [one, other] = [functionOf(after), functionOf(before)];
  const first = `after ${spelled(after)}`;
  const second = `before ${spelled(before)}`;
  return one === other ? `${first} and ${second}${inside(one)}` : `${first}${inside(one)} and ${second}${inside(other)}`;
};

const spelled = (step: TraceStep | Standing): string => spokenBy(step) || 'it ends';

const inside = (name: string | null): string => (name === null ? '' : ` in ${name}()`);

/** How far the turn of the others can be moved. */
function width({ count: places, opens, closes, atLeast }: Places, thread: string): string {
  const least = atLeast ? 'at least ' : '';
  if (places === 1)
    return atLeast
      ? `The window is ${least}that one place wide.`
      : 'The window is that one place: a step earlier or later the same turns do not lead there.';
  return `The window is ${least}${count(places, 'place')} wide: ${thread} may be anywhere ${between(opens, closes)}.`;
}

/** Who holds what must not be slept under can only be kept busy. */
function means({ thread, held, maySleep, after }: Delay, steps: readonly TraceStep[]): string {
  const spell = (locks: Delay['held']) =>
    listed(locks.map(({ object }) => spellLock(object, thread, { steps: steps.slice(0, after.index), standing: [] })));
  const atomic = held.filter((lock) => lock.atomic);
  if (atomic.length > 0) return `mdelay(), for it must not sleep under ${spell(atomic)}`;
  const how = maySleep ? 'msleep() or mdelay()' : 'mdelay(), for interrupts may be off';
  return `${how}${held.length === 0 ? '' : `; it holds ${spell(held)}`}`;
}

const turnsText = (turns: readonly Turn[], indent: string, runs: string): readonly string[] => {
  const longest = Math.min(20, Math.max(...turns.map(({ thread }) => thread.length)));
  return turns.flatMap(({ thread, from, to }) => {
    const begin = `${indent}${thread.padEnd(longest)}  `;
    const calls = from.operation === to.operation ? `${from.operation}()` : `${from.operation}() to ${to.operation}()`;
    return wrap(`${runs} ${calls}, up to ${spelled(to)}`, begin, ' '.repeat(begin.length));
  });
};
