/** Any of the steps that can be taken, each as likely; the same seed gives the same run. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Strategy } from '../scheduler.ts';

export function random(seed: number): Strategy {
  const generator = xoroshiro128plus(seed);
  return {
    name: `random, seed ${seed}`,
    choose: (options) => options[uniformInt(generator, 0, options.length - 1)] ?? null,
  };
}
