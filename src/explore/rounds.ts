/**
 * The search of every schedule with at most so many preemptions, in rounds of 0, 1, 2 … of them.
 *
 * What can still follow within the bound depends on the state, on whom a switch would preempt, and on the preemptions
 * spent. So these are told apart by the first two, and as a round ends before the next begins, each is met first with
 * the fewest preemptions that lead to it. By the state alone a schedule inside the bound would be lost: the one that came
 * first may have left the wrong thread running.
 */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import type { Choice } from './choice.ts';
import type { Found, Search } from './found.ts';
import { estimateWithin } from './cut-coverage.ts';
import { NumberedSet } from './numbered-set.ts';
import { cutAt } from './plain-search.ts';
import { Witness } from './witness.ts';

export interface PreemptionBound {
  /** The most preemptions of a schedule: switches away from a thread that could have gone on. May be Infinity. */
  readonly preemptions: number;
  readonly maxStates: number;
}

export interface InRounds extends Found {
  /** Every schedule with at most so many preemptions was searched; -1 if not even those with none, Infinity if all were. */
  readonly within: number;
}

/** What is remembered of the way to a state besides the state, which stands in front. */
export interface Memory {
  readonly width: number;
  begin(vector: Int32Array): void;
  /** To be called right after `program.take`; the state is there already. */
  step(from: Int32Array, thread: number, way: number, to: Int32Array): void;
}

const NOBODY = -1;
const UNREACHED = -2;
const ROOT = -1;
const NODES_PER_TURN = 2048;

/** A node is a place, which is what the memory holds, with the thread that a switch would preempt there. */
class Nodes {
  readonly places: NumberedSet;
  private readonly perPlace: number;
  private parent = new Int32Array(1 << 12).fill(UNREACHED);
  private choice = new Int32Array(1 << 12);
  private steps = new Int32Array(1 << 12);

  constructor(width: number, threads: number) {
    this.places = new NumberedSet(width);
    this.perPlace = threads + 1;
  }

  /** @returns the node if this is the first way to it, else -1 */
  reach(vector: Int32Array, running: number, parent: number, thread: number, way: number): number {
    const added = this.places.add(vector);
    const node = (added < 0 ? ~added : added) * this.perPlace + running + 1;
    while (node >= this.parent.length) this.grow();
    if (this.parent[node] !== UNREACHED) return -1;
    this.parent[node] = parent;
    this.choice[node] = (way << 8) | thread;
    this.steps[node] = parent === ROOT ? 0 : (this.steps[parent] as number) + 1;
    return node;
  }

  placeOf(node: number): number {
    return Math.trunc(node / this.perPlace);
  }

  runningAt(node: number): number {
    return (node % this.perPlace) - 1;
  }

  stepsTo(node: number): number {
    return this.steps[node] as number;
  }

  pathTo(node: number): readonly Choice[] {
    const path: Choice[] = [];
    for (let at = node; this.parent[at] !== ROOT; at = this.parent[at] as number) {
      const choice = this.choice[at] as number;
      path.push({ thread: choice & 255, way: choice >> 8 });
    }
    return path.toReversed();
  }

  private grow(): void {
    const { parent, choice, steps } = this;
    const length = parent.length * 2;
    this.parent = new Int32Array(length).fill(UNREACHED);
    this.choice = new Int32Array(length);
    this.steps = new Int32Array(length);
    this.parent.set(parent);
    this.choice.set(choice);
    this.steps.set(steps);
  }
}

/** @returns the same marks, or a longer copy, with this one set */
function marked(marks: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  let long = marks;
  if (at >= marks.length) {
    long = new Uint8Array(Math.max(marks.length * 2, at + 1));
    long.set(marks);
  }
  long[at] = 1;
  return long;
}

export class Rounds {
  readonly nodes: Nodes;
  /** Told of every place at which no thread can move, once for each. */
  onEnd: (place: Int32Array) => void = () => {};
  /** Called when all schedules of a round have been gone along. */
  onRound: () => void = () => {};

  private readonly program: Program;
  private readonly witness: Witness<number>;
  private readonly memory: Memory;
  private readonly bound: PreemptionBound;
  private readonly here: Int32Array;
  private readonly state: Int32Array;
  private readonly there: Int32Array;
  private readonly next: Int32Array;
  /** Nodes of this round, and those at which the next round preempts. */
  private queue: number[] = [];
  private preempted: number[] = [];
  /** By place, whether it was judged; and by place and thread, whether the thread's steps have been taken there. */
  private judged = new Uint8Array(1 << 12);
  private tried = new Uint8Array(1 << 14);
  private steps = 0;
  private depth = 0;

  constructor(program: Program, variant: Variant, bound: PreemptionBound, memory: Memory) {
    if (!(bound.preemptions >= 0)) throw new RangeError(`No schedule has at most ${bound.preemptions} preemptions`);
    this.program = program;
    this.witness = new Witness<number>(program, variant);
    this.bound = bound;
    this.memory = memory;
    this.nodes = new Nodes(memory.width, program.threads);
    this.here = new Int32Array(memory.width);
    this.state = this.here.subarray(0, program.width);
    this.there = new Int32Array(memory.width);
    this.next = this.there.subarray(0, program.width);
  }

  *search(): Search<InRounds> {
    const { here, nodes, bound } = this;
    here.set(this.program.initial());
    this.memory.begin(here);
    this.queue.push(nodes.reach(here, NOBODY, ROOT, 0, 0));
    let cut: string | null = null;
    let turns = 0;
    for (let round = 0; ; round++) {
      const preempting = this.preempted;
      this.preempted = [];
      for (let i = 0; i < preempting.length + this.queue.length && cut === null; i++) {
        if (i < preempting.length) this.preempt(preempting[i] as number);
        else this.goOn(this.queue[i - preempting.length] as number);
        if (nodes.places.size > bound.maxStates) cut = cutAt(bound.maxStates);
        else if (++turns % NODES_PER_TURN === 0) cut = yield this.progress;
      }
      const { isClosed } = this;
      if (cut === null || isClosed) this.onRound();
      if (isClosed) return this.found(null, Infinity);
      if (cut !== null) return this.found(cut, round - 1);
      if (round >= bound.preemptions) return this.found(`${round} ${round === 1 ? 'preemption' : 'preemptions'}`, round);
      this.queue = [];
    }
  }

  private get progress() {
    return { states: this.nodes.places.size, traces: null, depth: this.depth, share: null };
  }

  /** What costs no preemption: the steps of the running thread, or of any if it cannot go on. */
  private goOn(node: number): void {
    const { program, state, nodes } = this;
    const running = nodes.runningAt(node);
    const wrong = this.arrive(node);
    if (running !== NOBODY) {
      this.take(node, running, wrong);
      this.preempted.push(node);
      return;
    }
    let terminal = true;
    for (let thread = 0; thread < program.threads; thread++) if (this.take(node, thread, wrong)) terminal = false;
    if (!terminal) return;
    this.witness.end(state, wrong, node);
    this.onEnd(this.here);
  }

  private preempt(node: number): void {
    const running = this.nodes.runningAt(node);
    const wrong = this.arrive(node);
    for (let thread = 0; thread < this.program.threads; thread++) if (thread !== running) this.take(node, thread, wrong);
  }

  /** @returns whether the state is wrong */
  private arrive(node: number): boolean {
    const { nodes } = this;
    const place = nodes.placeOf(node);
    nodes.places.get(place, this.here);
    this.judged = marked(this.judged, place);
    this.depth = Math.max(this.depth, nodes.stepsTo(node));
    return this.witness.state(this.state, node);
  }

  /** @returns whether the thread could move */
  private take(node: number, thread: number, wrong: boolean): boolean {
    const { program, nodes, witness, here, state, there, next } = this;
    this.tried = marked(this.tried, nodes.placeOf(node) * program.threads + thread);
    const { firstWay, ways } = program.position(state, thread);
    let moved = false;
    for (let way = firstWay; way < firstWay + ways; way++) {
      if (!program.take(state, thread, way, next)) continue;
      moved = true;
      this.steps++;
      witness.step(state, wrong, node, { thread, way: way - firstWay });
      this.memory.step(here, thread, way, there);
      if (wrong) program.taint(next);
      const running = program.anyEnabled(next, thread) ? thread : NOBODY;
      const reached = nodes.reach(there, running, node, thread, way - firstWay);
      if (reached >= 0) this.queue.push(reached);
    }
    return moved;
  }

  /**
   * From every state that was met, each step has been taken: whatever a bigger bound adds leads from one of these states
   * to another, by a step that was judged.
   */
  private get isClosed(): boolean {
    const { program, nodes, here, state } = this;
    for (let place = 0; place < nodes.places.size; place++) {
      if (this.judged[place] !== 1) return false;
      nodes.places.get(place, here);
      for (let thread = 0; thread < program.threads; thread++)
        if (this.tried[place * program.threads + thread] !== 1 && program.anyEnabled(state, thread)) return false;
    }
    return true;
  }

  private found(cut: string | null, within: number): InRounds {
    const { program, nodes, witness } = this;
    rehearse(program, program.initial());
    return {
      program,
      judge: witness.judge,
      sightings: witness.sightings((node) => nodes.pathTo(node)),
      sometimes: witness.sometimes,
      states: nodes.places.size,
      traces: null,
      steps: this.steps,
      depth: this.depth,
      cut,
      // Not even the schedules without a preemption are all known: there is nothing to compare with.
      estimate: cut === null || within < 0 ? null : estimateWithin(program, within),
      within,
    };
  }
}
