/** Runs at random, one after the other, each judged as it goes: what they find is real, and they are never exhaustive. */
import type { Variant } from '../../model/scenario.ts';
import type { Program } from '../../tables/program.ts';
import { rehearse } from '../../tables/rehearsal.ts';
import type { Found, Progress, Search } from '../found.ts';
import { cutAt } from '../plain-search.ts';
import { choicesOf, type Trail } from '../trail.ts';
import { NumberedSet } from '../numbered-set.ts';
import { Witness } from '../witness.ts';
import { Census, type Coverage } from './coverage.ts';
import type { Sampler } from './sampler.ts';

export interface SampleOptions {
  /** How many runs, besides those that only measure. */
  readonly runs: number;
  readonly seed: number;
  /** A run is cut short here: threads that loop may go on for ever. */
  readonly maxSteps: number;
  /** Distinct states are kept to tell what is new. */
  readonly maxStates: number;
}

export interface Sampled extends Found {
  /** Complete runs, those that only measure among them. Two may be the same schedule. */
  readonly traces: number;
  readonly runs: number;
  /** So many of the runs met something wrong. */
  readonly faulty: number;
  /** By the number of a fault, the runs on which it came first, or as one of the first. */
  readonly first: ReadonlyMap<number, number>;
  /** Runs that were cut short, those that only measure among them. */
  readonly cutShort: number;
  readonly coverage: Coverage;
  /** What runs of this kind are known to find, in words with their numbers; null where nothing is known. */
  readonly guarantee: string | null;
  readonly cut: string;
}

const STEPS_PER_TURN = 4096;

export function sample(program: Program, variant: Variant, sampler: Sampler, options: SampleOptions): Search<Sampled> {
  return new Sampling(program, variant, sampler, options).search();
}

class Sampling {
  private readonly program: Program;
  private readonly sampler: Sampler;
  private readonly limits: SampleOptions;
  private readonly witness: Witness<Trail | null>;
  private readonly census = new Census();
  /** After the last run that came to its end. */
  private coverage = this.census.coverage;
  private readonly visited: NumberedSet;
  private readonly options: { count: number; threads: Int32Array; ways: Int32Array };
  private readonly start: Int32Array;
  private readonly state: Int32Array;
  private readonly next: Int32Array;
  private runs = 0;
  private measured = 0;
  private complete = 0;
  private cutShort = 0;
  private faulty = 0;
  private readonly first = new Map<number, number>();
  private steps = 0;
  private depth = 0;

  constructor(program: Program, variant: Variant, sampler: Sampler, limits: SampleOptions) {
    this.program = program;
    this.sampler = sampler;
    this.limits = limits;
    this.witness = new Witness(program, variant);
    this.visited = new NumberedSet(program.width);
    this.options = { count: 0, threads: new Int32Array(64), ways: new Int32Array(64) };
    this.start = program.initial();
    this.state = new Int32Array(program.width);
    this.next = new Int32Array(program.width);
  }

  *search(): Search<Sampled> {
    let cut: string | null = null;
    while (this.runs < this.limits.runs && cut === null) {
      cut = yield* this.run();
      if (cut === null && this.visited.size > this.limits.maxStates) cut = cutAt(this.limits.maxStates);
    }
    return this.found(cut);
  }

  /** @returns why it was given up, or null */
  private *run(): Generator<Progress, string | null, string | null> {
    const { program, sampler, witness, census, state, next, options } = this;
    const counts = !sampler.measures;
    sampler.begin();
    if (counts) census.begin();
    state.set(this.start);
    let trail: Trail | null = null;
    let product = 1;
    let steps = 0;
    let first: readonly number[] = [];
    for (; ; steps++) {
      const id = this.meet(counts);
      const wrong = witness.state(state, trail);
      if (wrong && first.length === 0) first = witness.judge.ofState(state, false);
      this.offer();
      if (options.count === 0) {
        witness.end(state, wrong, trail);
        if (first.length === 0) first = witness.judge.ofState(state, true);
        this.complete++;
        if (counts) census.end(id);
        break;
      }
      if (steps === this.limits.maxSteps) {
        this.cutShort++;
        break;
      }
      const picked = sampler.pick(options);
      const thread = options.threads[picked] as number;
      const way = options.ways[picked] as number;
      const choice = { thread, way: way - program.position(state, thread).firstWay };
      program.take(state, thread, way, next);
      witness.step(state, wrong, trail, choice);
      if (program.splats > 0 && first.length === 0) first = witness.judge.ofStep(state, thread);
      if (wrong) program.taint(next);
      sampler.took?.(state, thread, way, next);
      product *= options.count;
      trail = { before: trail, choice };
      state.set(next);
      if (++this.steps % STEPS_PER_TURN === 0) {
        const stop = yield this.progress;
        if (stop !== null) return stop;
      }
    }
    this.depth = Math.max(this.depth, steps);
    if (counts && sampler.isEven) census.weigh(product);
    sampler.end?.(steps);
    this.tally(counts, first);
    return null;
  }

  private tally(counts: boolean, first: readonly number[]): void {
    if (!counts) {
      this.measured++;
      return;
    }
    this.runs++;
    if (first.length > 0) this.faulty++;
    for (const fault of new Set(first)) this.first.set(fault, (this.first.get(fault) ?? 0) + 1);
    this.coverage = this.census.coverage;
  }

  /** @returns the number of the state at which the run stands */
  private meet(counts: boolean): number {
    const added = this.visited.add(this.state);
    const id = added < 0 ? ~added : added;
    if (counts) this.census.meet(id);
    return id;
  }

  private offer(): void {
    const { program, state, options } = this;
    options.count = 0;
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) {
        if (!program.enabled(state, way)) continue;
        if (options.count === options.threads.length) this.widen();
        options.threads[options.count] = thread;
        options.ways[options.count++] = way;
      }
    }
  }

  private widen(): void {
    const { options } = this;
    const { threads, ways } = options;
    options.threads = new Int32Array(threads.length * 2);
    options.ways = new Int32Array(threads.length * 2);
    options.threads.set(threads);
    options.ways.set(ways);
  }

  /** The share is `Coverage.noNewState`. */
  private get progress(): Progress {
    return {
      states: this.visited.size,
      traces: this.complete,
      depth: this.depth,
      share: this.coverage.noNewState,
    };
  }

  private found(stopped: string | null): Sampled {
    const { program, witness, sampler, limits, runs } = this;
    rehearse(program, this.start);
    return {
      program,
      judge: witness.judge,
      sightings: witness.sightings(choicesOf),
      sometimes: witness.sometimes,
      states: this.visited.size,
      traces: this.complete,
      steps: this.steps,
      depth: this.depth,
      cut: [
        `${plural(runs, 'run')} at random (${sampler.name}, seed ${limits.seed})`,
        ...(this.measured > 0 ? [`after ${this.measured} to measure them`] : []),
        ...(this.cutShort > 0 ? [`${this.cutShort} of them cut short after ${plural(limits.maxSteps, 'step')}`] : []),
        ...(stopped === null ? [] : [`of ${limits.runs}: ${stopped}`]),
      ].join(', '),
      estimate: inWords(this.coverage),
      runs,
      faulty: this.faulty,
      first: this.first,
      cutShort: this.cutShort,
      coverage: this.coverage,
      guarantee: sampler.guarantee?.(stopped === null ? runs : null) ?? null,
    };
  }
}

function inWords({ noNewState, noNewEnd, schedules }: Coverage): string | null {
  const said = [
    ...(noNewState === null ? [] : [`one more run meets no new state with a probability of about ${percent(noNewState)}`]),
    ...(noNewEnd === null ? [] : [`no new end with ${percent(noNewEnd)}`]),
    ...(schedules === null
      ? []
      : [
          `there are about ${schedules.mean.toPrecision(2)} schedules (standard error ${schedules.standardError.toPrecision(2)})`,
        ]),
  ];
  return said.length === 0 ? null : said.join('; ');
}

/** One that is all but certain is not certain. */
const percent = (share: number): string => `${Math.min(99.9, Math.floor(share * 1000) / 10)} %`;

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
