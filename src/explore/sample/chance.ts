/** The one source of chance of a sampled search: the same seed gives the same runs. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The first number is the seed itself with its bits turned, and the next few follow it closely. */
const WARM_UP = 64;

export class Chance {
  private readonly generator;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed);
    for (let i = 0; i < WARM_UP; i++) this.generator.next();
  }

  /** A whole number from 0 to `count - 1`, each as likely. */
  below(count: number): number {
    return count === 1 ? 0 : uniformInt(this.generator, 0, count - 1);
  }

  /** A number with which draws are put into an order; two are equal once in 2^32. */
  priority(): number {
    return this.generator.next();
  }

  /** The numbers from 0 to `count - 1` in an order, each as likely. */
  shuffled(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [order[i], order[other]] = [order[other] as number, order[i] as number];
    }
    return order;
  }
}
