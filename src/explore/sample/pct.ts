/**
 * Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010).
 *
 * Threads have priorities in random order, and of those that can move the highest goes. At d - 1 steps of the run, drawn
 * evenly from the first k, the thread that was to go falls below all others. A bug of depth d is one for which d
 * orderings of two steps suffice; each run hits it with a probability of at least 1/(n*k^(d-1)), for n threads.
 *
 * The proof wants runs of no more than k steps. Where one is longer it holds for what shows within the first k, as
 * nothing that comes later can undo it.
 */
import type { Variant } from '../../model/scenario.ts';
import type { Program } from '../../tables/program.ts';
import type { Search } from '../found.ts';
import { Chance } from './chance.ts';
import { type Sampled, sample, type SampleOptions } from './sample.ts';
import { highest, type Options, optionsOf, type Sampler } from './sampler.ts';

export interface PctOptions extends SampleOptions {
  readonly depth: number;
  /** k; null to take the longest of some random walks beforehand. */
  readonly steps: number | null;
}

const WALKS = 10;

export const pct = (program: Program, variant: Variant, options: PctOptions): Search<Sampled> =>
  sample(program, variant, new PriorityScheduler(program.threads, options), options);

class PriorityScheduler implements Sampler {
  readonly name: string;
  readonly isEven = false;
  private readonly threads: number;
  private readonly depth: number;
  private readonly chance: Chance;
  private walks: number;
  private longest: number;
  /** Threads that have not fallen yet stand from `depth` upwards; each change point has a rank of its own below. */
  private priorities: number[] = [];
  private changePoints: number[] = [];
  private step = 0;
  /** A thread had to take one of several ways that were open to it. */
  private drewWays = false;

  constructor(threads: number, { depth, steps, seed, maxSteps }: PctOptions) {
    if (!Number.isInteger(depth) || depth < 1) throw new RangeError(`PCT looks for bugs of depth 1 or more, not ${depth}`);
    this.name = `PCT, depth ${depth}`;
    this.threads = threads;
    this.depth = depth;
    this.chance = new Chance(seed);
    this.walks = steps === null ? WALKS : 0;
    this.longest = Math.max(1, Math.min(steps ?? 1, maxSteps));
  }

  get measures(): boolean {
    return this.walks > 0;
  }

  begin(): void {
    this.step = 0;
    this.priorities = this.chance.shuffled(this.threads).map((rank) => this.depth + rank);
    this.changePoints = Array.from({ length: this.depth - 1 }, () => 1 + this.chance.below(this.longest));
  }

  pick(options: Options): number {
    if (this.measures) return this.chance.below(options.count);
    this.step++;
    for (const [rank, point] of this.changePoints.entries())
      if (point === this.step) this.priorities[highest(options, this.priorities)] = rank;
    const { from, count } = optionsOf(options, highest(options, this.priorities));
    this.drewWays ||= count > 1;
    return from + this.chance.below(count);
  }

  end(steps: number): void {
    if (!this.measures) return;
    this.walks--;
    this.longest = Math.max(this.longest, steps);
  }

  guarantee(runs: number | null): string | null {
    if (this.measures) return null;
    const { threads: n, longest: k, depth: d } = this;
    const oneIn = n * k ** (d - 1);
    const ways = this.drewWays ? ', if every step with several ways takes the right one,' : '';
    const each =
      `each run finds a given bug of depth ${d} that shows within ${k} steps${ways} with a probability of at least ` +
      `1/(${n}*${k}^${d - 1}) = 1/${oneIn}`;
    return runs === null ? each : `${each}; ${runs} such runs miss it with one of at most ${roundedUp((1 - 1 / oneIn) ** runs)}`;
  }
}

/** To two digits. What is too small for a number is not nothing. */
function roundedUp(probability: number): string {
  if (probability < 1e-300) return '1e-300';
  const digit = 10 ** (Math.floor(Math.log10(probability)) - 1);
  return String(Number((Math.ceil(probability / digit) * digit).toPrecision(2)));
}
