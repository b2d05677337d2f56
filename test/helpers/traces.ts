/** Every order in which a program can be played, one by one, and how many of them differ in more than independent steps. */
import type { Dependence } from '../../src/explore/dpor/footprint.ts';
import type { Program } from '../../src/tables/program.ts';

/** A step as it was taken. */
interface Taken {
  readonly name: string;
  readonly thread: number;
  readonly way: number;
  /** By slot: `read`, `write`, or what is written, where to write it twice is as good as once. */
  readonly touched: ReadonlyMap<number, string>;
  /** Who acquires comes after those who have released before, so that it matters who has, whether or not it changes anything. */
  readonly releases: readonly number[];
  readonly acquires: readonly number[];
}

/** Plays it, and says in its own words what was touched: by outcome, and what was not said was not touched. */
function take(program: Program, dependence: Dependence, state: Int32Array, thread: number, way: number, order: number) {
  const after = new Int32Array(program.width);
  if (!program.take(state, thread, way, after)) return null;
  const { slots, events, rules, means } = program.ways[way] as Program['ways'][number];
  const killer = program.raised.find(({ splat }) => splat.stops)?.slot;
  const guard = [...slots].findIndex((slot, i) => rules[i] === 0 && slot === killer);
  const touched = new Map<number, string>();
  const then = program.position(after, thread);
  // Who comes before a lock that it holds looks whether it is to be had.
  if (then.reacquires)
    for (const one of program.ways.slice(then.firstWay, then.firstWay + then.ways))
      for (const slot of one.slots) touched.set(slot, 'read');
  for (const [i, slot] of slots.entries()) {
    if (guard >= 0 && i > guard) break;
    const stores = guard < 0 && means[i]?.kind === 'write';
    const [before, event] = [state[slot] as number, events[i] as number];
    const once = program.nextOf(slot, before, event);
    const isIdempotent =
      once < 0 ||
      (program.nextOf(slot, once, event) === once &&
        program.answerOf(slot, before, event) === program.answerOf(slot, once, event));
    if (stores && dependence === 'values' && isIdempotent) touched.set(slot, `${event} giving ${once}`);
    else touched.set(slot, stores || state[slot] !== after[slot] ? 'write' : 'read');
  }
  const said = (kind: 'release' | 'acquire') =>
    [...slots].filter((slot, i) => {
      const isRefused = means[i]?.try === true && state[slot] === after[slot];
      return guard < 0 && means[i]?.kind === kind && !isRefused;
    });
  const taken: Taken = { name: `${thread}.${order}`, thread, way, touched, releases: said('release'), acquires: said('acquire') };
  return { after, taken };
}

const conflict = (a: Taken, b: Taken): boolean =>
  a.thread === b.thread ||
  a.releases.some((slot) => b.acquires.includes(slot)) ||
  b.releases.some((slot) => a.acquires.includes(slot)) ||
  [...a.touched].some(([slot, how]) => {
    const other = b.touched.get(slot);
    return other !== undefined && (how === 'write' || how !== other);
  });

/** The same for two runs if and only if one becomes the other when neighbours that do not conflict are exchanged. */
const nameOf = (run: readonly Taken[]): string =>
  run
    .map((step, at) => {
      const after = run.slice(0, at).filter((earlier) => conflict(earlier, step));
      return `${step.name} ${step.way} after ${after
        .map(({ name }) => name)
        .toSorted()
        .join(',')}`;
    })
    .toSorted()
    .join('; ');

/** @returns null where there are more than that many runs */
export function countTraces(program: Program, mostRuns: number, dependence: Dependence = 'location'): number | null {
  const classes = new Set<string>();
  const orders = program.world.threads.map(() => 0);
  let runs = 0;
  const visit = (state: Int32Array, run: readonly Taken[]) => {
    if (runs > mostRuns) return;
    let isOver = true;
    for (const [thread] of program.world.threads.entries()) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) {
        const next = take(program, dependence, state, thread, way, orders[thread] as number);
        if (next === null) continue;
        isOver = false;
        orders[thread] = (orders[thread] as number) + 1;
        visit(next.after, [...run, next.taken]);
        orders[thread]--;
      }
    }
    if (!isOver) return;
    runs++;
    classes.add(nameOf(run));
  };
  visit(program.initial(), []);
  return runs > mostRuns ? null : classes.size;
}
