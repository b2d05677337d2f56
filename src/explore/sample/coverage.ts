/** What runs at random, all drawn alike and each by itself, tell of what they have not met. */

/** Runs that have met a state: none, one that is known, or more. */
const NONE = -1;
const MORE = -2;

export interface Coverage {
  /**
   * An estimate of the probability that one more run of this kind meets no state that is new: the share of the runs that
   * met no state but such as others of them met too. In the mean that is the probability for each of these runs to meet
   * nothing that the rest has not, so for one that comes after all of them it is rather too low than too high. It says
   * nothing of what this kind of run hardly ever meets: 1 is not exhaustive. Null before the second run.
   */
  readonly noNewState: number | null;
  /**
   * Likewise that one more complete run ends as one of those before has ended: the share of the complete runs whose end
   * others had too (Good 1953, after Turing).
   */
  readonly noNewEnd: number | null;
  /**
   * How many schedules there are, of which a run that is cut short is one: the mean over the runs of the product of the
   * number of options at each step (Knuth 1975), which has the right mean however few the runs, but often a wide spread;
   * and the standard error of that mean. Null where options are not drawn evenly, and where it is beyond all numbers.
   */
  readonly schedules: { readonly mean: number; readonly standardError: number } | null;
}

/** States are numbered from 0 as they are first met. */
export class Census {
  private readonly metBy: number[] = [];
  /** By run: how many states it alone has met. */
  private readonly alone: number[] = [];
  private runsAlone = 0;
  private ends = 0;
  private endsOnce = 0;
  private readonly endsBefore: number[] = [];
  /** Mean of the products, and the sum of squared distances from it (Welford). */
  private weighed = 0;
  private mean = 0;
  private squares = 0;

  begin(): void {
    this.alone.push(0);
  }

  meet(state: number): void {
    const run = this.alone.length - 1;
    const by = this.metBy[state] ?? NONE;
    if (by === run || by === MORE) return;
    if (by === NONE) {
      for (let id = this.metBy.length; id < state; id++) this.metBy[id] = NONE;
      this.metBy[state] = run;
      if (++(this.alone[run] as number) === 1) this.runsAlone++;
    } else {
      this.metBy[state] = MORE;
      if (--(this.alone[by] as number) === 0) this.runsAlone--;
    }
  }

  /** The run is complete, and this is its last state. */
  end(state: number): void {
    const before = this.endsBefore[state] ?? 0;
    this.endsBefore[state] = before + 1;
    this.ends++;
    if (before === 0) this.endsOnce++;
    else if (before === 1) this.endsOnce--;
  }

  /** The product of the options of a run that was drawn evenly. */
  weigh(product: number): void {
    this.weighed++;
    const off = product - this.mean;
    this.mean += off / this.weighed;
    this.squares += off * (product - this.mean);
  }

  get coverage(): Coverage {
    const runs = this.alone.length;
    return {
      noNewState: runs < 2 ? null : 1 - this.runsAlone / runs,
      noNewEnd: this.ends < 2 ? null : 1 - this.endsOnce / this.ends,
      schedules: this.schedules,
    };
  }

  private get schedules(): Coverage['schedules'] {
    if (this.weighed < 2) return null;
    const standardError = Math.sqrt(this.squares / (this.weighed - 1) / this.weighed);
    return Number.isFinite(this.mean + standardError) ? { mean: this.mean, standardError } : null;
  }
}
