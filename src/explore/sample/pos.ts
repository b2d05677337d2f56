/**
 * Partial order sampling (Yuan, Yang and Gu, CAV 2018): schedules that differ only in the order of steps that do not
 * conflict weigh less than in a random walk, where the many of one trace hide the few of another.
 *
 * Each thread's next step has a random priority, and of those that can be taken the highest goes first. It then draws
 * for the thread's next step, and anew for the next step of each other thread that conflicted with it. Which way of its
 * step a thread takes is drawn evenly.
 */
import type { Variant } from '../../model/scenario.ts';
import type { Position, Program } from '../../tables/program.ts';
import { type Access, Accesses, conflict } from '../accesses.ts';
import type { Search } from '../found.ts';
import { Chance } from './chance.ts';
import { type Sampled, sample, type SampleOptions } from './sample.ts';
import { highest, type Options, optionsOf, type Sampler } from './sampler.ts';

export const pos = (program: Program, variant: Variant, options: SampleOptions): Search<Sampled> =>
  sample(program, variant, new PartialOrderSampler(program, new Chance(options.seed)), options);

class PartialOrderSampler implements Sampler {
  readonly name = 'POS';
  readonly isEven = false;
  readonly measures = false;
  private readonly program: Program;
  private readonly chance: Chance;
  private readonly accesses: Accesses;
  private readonly other: Int32Array;
  private priorities: number[] = [];

  constructor(program: Program, chance: Chance) {
    this.program = program;
    this.chance = chance;
    this.accesses = new Accesses(program);
    this.other = new Int32Array(program.width);
  }

  begin(): void {
    this.priorities = Array.from({ length: this.program.threads }, () => this.chance.priority());
  }

  pick(options: Options): number {
    const { from, count } = optionsOf(options, highest(options, this.priorities));
    return from + this.chance.below(count);
  }

  took(state: Int32Array, thread: number, way: number, next: Int32Array): void {
    const taken = this.accesses.ofStep(state, way, next);
    for (let other = 0; other < this.program.threads; other++)
      if (other === thread || this.racesWith(state, other, taken)) this.priorities[other] = this.chance.priority();
  }

  private racesWith(state: Int32Array, thread: number, taken: readonly Access[]): boolean {
    const position: Position = this.program.position(state, thread);
    for (let way = position.firstWay; way < position.firstWay + position.ways; way++)
      if (conflict(taken, this.accessesOf(state, thread, way))) return true;
    return false;
  }

  /** Of a step that could be taken instead. One that must wait has come to its objects and changes nothing. */
  private accessesOf(state: Int32Array, thread: number, way: number): readonly Access[] {
    if (this.program.take(state, thread, way, this.other)) return this.accesses.ofStep(state, way, this.other);
    return Array.from((this.program.ways[way] as Program['ways'][number]).slots, (slot) => ({ slot, writes: false }));
  }
}
