/** Who goes next in a run at random. */

/** The steps that can be taken now, in thread order. */
export interface Options {
  readonly count: number;
  readonly threads: Int32Array;
  /** As `Program.take` wants it. */
  readonly ways: Int32Array;
}

export interface Sampler {
  /** With what it was made to do, as a verdict says it. */
  readonly name: string;
  /** Each option is as likely as any other: then the number of schedules can be estimated from the runs. */
  readonly isEven: boolean;
  /** The run that is about to begin only measures the scenario, and its choices are no sample of this kind. */
  readonly measures: boolean;
  begin(): void;
  /** @returns which of the options; there is at least one */
  pick(options: Options): number;
  /** The step has been taken. To ask what else could have been it may use `program.take`. */
  took?(state: Int32Array, thread: number, way: number, next: Int32Array): void;
  /** The run is over, or was cut short. */
  end?(steps: number): void;
  /**
   * What runs of this kind are known to find, in words.
   * @param runs null if their number was not fixed beforehand: what ended them may have to do with what they met
   */
  guarantee?(runs: number | null): string | null;
}

/** The options of one thread stand together: where they begin, and how many they are. */
export function optionsOf({ count, threads }: Options, thread: number): { readonly from: number; readonly count: number } {
  let from = 0;
  while (from < count && threads[from] !== thread) from++;
  let to = from;
  while (to < count && threads[to] === thread) to++;
  return { from, count: to - from };
}

/** The thread with the highest priority among those that can move. */
export function highest({ count, threads }: Options, priorities: readonly number[]): number {
  let best = threads[0] as number;
  for (let i = 1; i < count; i++) {
    const thread = threads[i] as number;
    if ((priorities[thread] as number) > (priorities[best] as number)) best = thread;
  }
  return best;
}
