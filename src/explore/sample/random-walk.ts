/** Any of the steps that can be taken, each as likely. */
import type { Variant } from '../../model/scenario.ts';
import type { Program } from '../../tables/program.ts';
import type { Search } from '../found.ts';
import { Chance } from './chance.ts';
import { type Sampled, sample, type SampleOptions } from './sample.ts';

export function randomWalk(program: Program, variant: Variant, options: SampleOptions): Search<Sampled> {
  const chance = new Chance(options.seed);
  return sample(
    program,
    variant,
    { name: 'random walk', isEven: true, measures: false, begin: () => {}, pick: ({ count }) => chance.below(count) },
    options,
  );
}
