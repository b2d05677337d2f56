/** Every schedule of a program, one by one, with nothing remembered from one to the next: what the searches must agree with. */
import { Judge, type Fault } from '../../src/explore/judge.ts';
import type { Choice } from '../../src/explore/choice.ts';
import type { Variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { lineOf } from './searches.ts';

interface Event {
  /** The thread and how many steps it took before. */
  readonly name: string;
  readonly slots: readonly number[];
  readonly written: readonly number[];
}

export interface AllSchedules {
  /** By the number of preemptions: how many schedules, with exactly so many. */
  readonly schedules: readonly number[];
  /** The traces of schedules with at most so many preemptions. */
  traces(preemptions: number): number;
  faults(preemptions: number): readonly string[];
}

/** @returns null where there are too many */
export function allSchedules(variant: Variant, most: number): AllSchedules | null {
  const program = new Program(variant);
  const judge = new Judge(program, variant);
  const schedules: number[] = [];
  const traces = new Map<string, number>();
  const met = new Map<string, number>();
  let runs = 0;
  const least = (map: Map<string, number>, key: string, preemptions: number) =>
    map.set(key, Math.min(map.get(key) ?? Infinity, preemptions));
  const meet = (faults: readonly number[], isFirst: boolean, preemptions: number) => {
    for (const fault of faults) least(met, lineOf(judge.faults[fault] as Fault, isFirst), preemptions);
  };
  const visit = (
    state: Int32Array,
    events: readonly Event[],
    choices: readonly Choice[],
    preemptions: number,
    first: boolean,
  ) => {
    if (runs > most) return;
    const last = choices.at(-1)?.thread ?? null;
    const wrong = judge.ofState(state, false);
    meet(wrong, first, preemptions);
    const isFirst = first && wrong.length === 0;
    if (program.isTerminal(state)) {
      runs++;
      const atEnd = judge.ofState(state, true).filter((fault) => !wrong.includes(fault));
      meet(atEnd, isFirst, preemptions);
      schedules[preemptions] = (schedules[preemptions] ?? 0) + 1;
      least(traces, traceOf(events), preemptions);
      return;
    }
    const couldGoOn = last !== null && program.anyEnabled(state, last);
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = 0; way < ways; way++) {
        const next = state.slice();
        if (!program.choose(state, { thread, way }, next)) continue;
        const after = preemptions + (couldGoOn && last !== thread ? 1 : 0);
        meet(judge.ofStep(state, thread), isFirst, after);
        const clean = isFirst && program.raised.length === 0;
        const slots = [...(program.ways[firstWay + way]?.slots ?? [])];
        const isStore = program.position(state, thread).step?.event.type === 'store';
        const written = slots.filter((slot) => isStore || state[slot] !== next[slot]);
        const name = `${thread}.${choices.filter((choice) => choice.thread === thread).length}.${way}`;
        visit(next, [...events, { name, slots, written }], [...choices, { thread, way }], after, clean);
      }
    }
  };
  visit(program.initial(), [], [], 0, true);
  if (runs > most) return null;
  return {
    schedules: Array.from(schedules, (count) => count ?? 0),
    traces: (preemptions) => [...traces.values()].filter((least) => least <= preemptions).length,
    faults: (preemptions) => {
      const within = [...met].filter(([, least]) => least <= preemptions).map(([line]) => line);
      return within.filter((line) => !within.includes(line.replace(/ \(consequence\)$/, '')) || !line.endsWith(')')).toSorted();
    },
  };
}

/** Which steps were taken, and which of those that conflict came first. */
function traceOf(events: readonly Event[]): string {
  const conflict = (a: Event, b: Event) =>
    a.written.some((slot) => b.slots.includes(slot)) || b.written.some((slot) => a.slots.includes(slot));
  const orders = events.flatMap((later, i) =>
    events.slice(0, i).flatMap((earlier) => (conflict(earlier, later) ? [`${earlier.name}<${later.name}`] : [])),
  );
  return [...events.map(({ name }) => name), ...orders].toSorted().join(' ');
}
