/** One thread's share of a level: follows the steps out of states, and says which states belong to which. */
import { Growing } from '../../tables/growing.ts';
import type { Stepper } from '../../tables/stepper.ts';
import { EVERY_THREAD, type Reduction } from '../plain-search.ts';
import { NEXT_PARENT, PAUSE } from './control.ts';
import type { SharedSet } from './shared-states.ts';
import type { Watch } from './watch.ts';

/** States that are equally far from the start. */
export interface Level {
  /** Their roots. */
  readonly frontier: Int32Array;
  readonly size: number;
  /** The number of the first. */
  readonly first: number;
  /** How many a thread takes at a time. */
  readonly portion: number;
}

/** What came of a level, in one row of integers: portions, of which `read` knows how they are written. */
export interface Harvest {
  readonly portions: Int32Array;
  /** See `Watch`. */
  readonly events: Int32Array;
}

export class Expansion {
  private readonly stepper: Stepper;
  private readonly control: Int32Array;
  private readonly set: SharedSet;
  private readonly watch: Watch;
  private readonly reduction: Reduction | null;
  private readonly state: Int32Array;
  private readonly before: Int32Array;
  private written = new Growing(1024);
  private header = 0;
  private at = 0;
  private end = 0;
  private steps = 0;
  private successors = 0;

  constructor(stepper: Stepper, control: Int32Array, set: SharedSet, watch: Watch, reduction: Reduction | null) {
    this.stepper = stepper;
    this.control = control;
    this.set = set;
    this.watch = watch;
    this.reduction = reduction;
    this.state = new Int32Array(stepper.width);
    this.before = new Int32Array(stepper.width);
  }

  /**
   * Takes portions of the level until there are no more; without `takesMore` it ends with the one at hand.
   * @param most so many states at most
   * @returns null where there is more to do after a pause
   */
  run({ frontier, size, first, portion }: Level, takesMore: boolean, most = Infinity): Harvest | null {
    let left = most;
    for (;;) {
      if (this.at === this.end) {
        if (!takesMore) break;
        const begin = Atomics.add(this.control, NEXT_PARENT, portion);
        if (begin >= size) break;
        this.open(begin, Math.min(begin + portion, size));
      }
      for (; this.at < this.end; this.at++) {
        if (left-- <= 0 || Atomics.load(this.control, PAUSE) === 1) return null;
        this.expand(frontier[this.at] as number, first + this.at);
      }
      this.close();
    }
    const portions = this.written.all.slice(0, this.written.length);
    const events = Int32Array.from(this.watch.events);
    this.written = new Growing(1024);
    this.watch.events = [];
    return { portions, events };
  }

  private open(begin: number, end: number): void {
    this.at = begin;
    this.end = end;
    this.header = this.written.push(begin);
    this.written.push(end - begin);
    this.written.push(0);
  }

  private close(): void {
    this.written.all[this.header + 2] = this.written.length;
  }

  private expand(root: number, number: number): void {
    const { state, written } = this;
    this.set.visited.get(root, state);
    const head = written.push(0);
    written.push(0);
    this.steps = 0;
    this.successors = 0;
    const wrong = this.watch.state(state, number);
    const chosen = this.reduction?.choose(state) ?? EVERY_THREAD;
    if (this.follow(chosen, wrong, number) && chosen !== EVERY_THREAD) this.follow(~chosen, wrong, number);
    if (this.steps === 0) this.watch.end(state, number);
    written.all[head] = this.steps;
    written.all[head + 1] = this.successors;
  }

  /** As in the search that nobody shares. @returns whether one of the steps came round to where a loop began */
  private follow(threads: number, wrong: boolean, number: number): boolean {
    const { stepper, state, written } = this;
    const { visited, roots } = this.set;
    let wentRound = false;
    for (let thread = 0; thread < stepper.threads; thread++) {
      if ((threads & (1 << thread)) === 0) continue;
      const position = state[stepper.slots + thread] as number;
      const first = stepper.firstWay(position);
      const end = first + stepper.wayCount(position);
      for (let way = first; way < end; way++) {
        if (!stepper.apply(state, thread, way)) continue;
        this.steps++;
        wentRound ||= stepper.wentRound;
        if (stepper.splats > 0) {
          this.before.set(state);
          stepper.undo(this.before);
          this.watch.step(way, wrong, stepper.isTainted(this.before), number, thread, way - first);
        }
        let count = stepper.changes;
        if (wrong && !stepper.isTainted(state)) {
          stepper.taint(state);
          stepper.changedPlaces[count] = stepper.width - 1;
          stepper.changedFrom[count] = 0;
          count = ++stepper.changes;
        }
        const met = visited.addBeside(state, stepper.changedPlaces, count);
        const root = met < 0 ? ~met : met;
        if (roots.claim(root, number)) {
          written.push(root);
          this.successors++;
        }
        stepper.undo(state);
      }
    }
    return wentRound;
  }
}

/**
 * What a level says of each of its states, in order: its number in the level, how many steps lead out of it, and which
 * roots it has claimed. @returns false where the rest is not wanted any more
 */
type Reader = (number: number, steps: number, written: Int32Array, from: number, to: number) => boolean;

/** Reads the portions of all threads in the order of the level. @returns how many of its states were read */
export function readInOrder(harvests: readonly Harvest[], read: Reader): number {
  const portions = harvests.flatMap(({ portions }) => split(portions)).toSorted((a, b) => a.begin - b.begin);
  let number = 0;
  for (const { size, from, written } of portions) {
    let at = from;
    for (let i = 0; i < size; i++) {
      const begin = at + 2;
      at = begin + (written[at + 1] as number);
      if (!read(number++, written[begin - 2] as number, written, begin, at)) return number;
    }
  }
  return number;
}

function split(written: Int32Array) {
  const portions: { readonly begin: number; readonly size: number; readonly from: number; readonly written: Int32Array }[] = [];
  for (let at = 0; at < written.length; at = written[at + 2] as number)
    portions.push({ begin: written[at] as number, size: written[at + 1] as number, from: at + 3, written });
  return portions;
}
