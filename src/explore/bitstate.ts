/**
 * Bitstate hashing (Holzmann's supertrace): of a state no more is kept than some bits of a table, so that far more states
 * fit than could be stored. A state whose bits others have set is taken for one that was seen, and what lies behind it
 * may be missed; what is found is real, and its way is that of the depth-first search.
 */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import type { Found, Search } from './found.ts';
import { choicesOf, type Trail } from './trail.ts';
import { Witness } from './witness.ts';

export interface BitstateOptions {
  /** The size of the table, at most 512. */
  readonly megabytes: number;
  /** Bits for each state. */
  readonly hashes: number;
  /** The longest way that is gone along: its states stand on the stack. */
  readonly maxDepth: number;
}

export interface Bitstate extends Found {
  /** The share of the bits that are set. */
  readonly fill: number;
  /** How likely a new state was taken for a seen one at the end, when the table was fullest. */
  readonly falselySeen: number;
  /**
   * How many new states were taken for seen ones, in the mean over hash functions. What only these lead to was not met at
   * all and does not count here: with tables far too small that can be several times as many.
   */
  readonly omitted: number;
}

const BITS_PER_MEGABYTE = 2 ** 23;
const MOST_MEGABYTES = 512;
const STATES_PER_TURN = 2048;

class BitTable {
  added = 0;
  omitted = 0;
  private readonly hashes: number;
  private readonly size: number;
  private readonly words: Uint32Array;
  private set = 0;

  constructor({ megabytes, hashes }: BitstateOptions) {
    const words = Math.floor((megabytes * BITS_PER_MEGABYTE) / 32);
    if (!(words >= 1) || megabytes > MOST_MEGABYTES)
      throw new RangeError(`A table of ${megabytes} megabytes cannot be made: up to ${MOST_MEGABYTES}`);
    if (!Number.isInteger(hashes) || hashes < 1) throw new RangeError(`A state needs one bit or more, not ${hashes}`);
    this.hashes = hashes;
    this.words = new Uint32Array(words);
    this.size = words * 32;
  }

  /** @returns whether it is new for certain */
  add(vector: Int32Array): boolean {
    const first = hash(vector, 0x9747b28c);
    const second = hash(vector, 0x3c6ef372);
    const falselySeen = this.falselySeen;
    let isNew = false;
    for (let i = 0; i < this.hashes; i++) {
      const bit = Math.floor((mixed(first + Math.imul(i, second)) / 2 ** 32) * this.size);
      const word = Math.floor(bit / 32);
      const mask = 1 << (bit & 31);
      if (((this.words[word] as number) & mask) !== 0) continue;
      this.words[word] = (this.words[word] as number) | mask;
      this.set++;
      isNew = true;
    }
    if (!isNew) return false;
    this.added++;
    // For each new state that is told for new, so many were not.
    this.omitted += falselySeen / (1 - falselySeen);
    return true;
  }

  get fill(): number {
    return this.set / this.size;
  }

  get falselySeen(): number {
    return this.fill ** this.hashes;
  }
}

/** Where the search stands in one state of its way. */
interface Frame {
  readonly state: Int32Array;
  trail: Trail | null;
  wrong: boolean;
  terminal: boolean;
  thread: number;
  /** The way of the thread's step that comes next, an index into those of its position. */
  way: number;
}

/** `cut` is never null: a state may have been taken for another. */
export function* bitstate(program: Program, variant: Variant, options: BitstateOptions): Search<Bitstate> {
  const witness = new Witness<Trail | null>(program, variant);
  const table = new BitTable(options);
  const frames: Frame[] = [];
  let top = -1;
  let steps = 0;
  let deepest = 0;
  let tooDeep = 0;
  let cut: string | null = null;

  const frameAt = (depth: number): Frame =>
    (frames[depth] ??= { state: new Int32Array(program.width), trail: null, wrong: false, terminal: true, thread: 0, way: 0 });
  const enter = (trail: Trail | null): void => {
    const frame = frameAt(++top);
    frame.trail = trail;
    frame.wrong = witness.state(frame.state, trail);
    frame.terminal = true;
    frame.thread = 0;
    frame.way = 0;
    deepest = Math.max(deepest, top);
  };

  /** Takes the next step that can be taken. @returns whether there was one */
  const advance = (frame: Frame): boolean => {
    const { state, trail, wrong } = frame;
    const { state: next } = frameAt(top + 1);
    for (; frame.thread < program.threads; frame.thread++, frame.way = 0) {
      const { firstWay, ways } = program.position(state, frame.thread);
      while (frame.way < ways) {
        const choice = { thread: frame.thread, way: frame.way++ };
        if (!program.take(state, choice.thread, firstWay + choice.way, next)) continue;
        frame.terminal = false;
        steps++;
        witness.step(state, wrong, trail, choice);
        if (wrong) program.taint(next);
        if (table.add(next)) {
          if (top < options.maxDepth) enter({ before: trail, choice });
          else tooDeep++;
        }
        return true;
      }
    }
    return false;
  };

  frameAt(0).state.set(program.initial());
  table.add(frameAt(0).state);
  enter(null);
  for (let turns = 1; top >= 0 && cut === null; turns++) {
    const frame = frameAt(top);
    if (!advance(frame)) {
      if (frame.terminal) witness.end(frame.state, frame.wrong, frame.trail);
      top--;
    }
    if (turns % STATES_PER_TURN === 0) cut = yield { states: table.added, traces: null, depth: deepest, share: null };
  }

  rehearse(program, program.initial());
  const { added, omitted, fill, falselySeen } = table;
  return {
    program,
    judge: witness.judge,
    sightings: witness.sightings(choicesOf),
    sometimes: witness.sometimes,
    states: added,
    traces: null,
    steps,
    depth: deepest,
    cut: top >= 0 ? (cut ?? 'stopped') : inWords(added, omitted, tooDeep, options),
    // The bound itself is one.
    estimate: null,
    fill,
    falselySeen,
    omitted,
  };
}

/**
 * That no state was omitted has at least the probability that is given first. Where some were, the share of the states
 * that was seen is smaller than the estimate by all that only they lead to, and nobody knows how much that is.
 */
function inWords(added: number, omitted: number, tooDeep: number, { maxDepth }: BitstateOptions): string {
  if (tooDeep > 0) return `bitstate: what lies beyond a depth of ${maxDepth} steps was not looked into`;
  if (omitted < 0.5) return `bitstate: all states seen, with a probability of ${percent(Math.exp(-omitted))}`;
  return `bitstate: at most about ${percent(added / (added + omitted))} of the states seen`;
}

/** Rounded down, and never 100%: a hash proves nothing. */
const percent = (share: number): string => `${Math.min(Math.floor(share * 10_000) / 100, 99.99)}%`;

/** The mixing of MurmurHash3, word by word. */
function hash(vector: Int32Array, seed: number): number {
  let h = seed;
  for (let i = 0; i < vector.length; i++) {
    let k = Math.imul(vector[i] as number, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  return mixed(h ^ vector.length);
}

function mixed(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
