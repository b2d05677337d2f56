/** How far a share that was counted may lie from the probability behind it. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Of the normal distribution: 95 % lie within so many standard deviations. */
const Z = 1.959964;

/** The score interval (Wilson 1927) at 95 %. It keeps close to its level also where few runs hit, or none. */
export function scoreInterval(hits: number, runs: number): Interval {
  const share = hits / runs;
  const z2 = Z * Z;
  const centre = (share + z2 / (2 * runs)) / (1 + z2 / runs);
  const half = (Z / (1 + z2 / runs)) * Math.sqrt((share * (1 - share)) / runs + z2 / (4 * runs * runs));
  // Where none or all did, one end is known; the formula gives it but for rounding.
  return { low: hits === 0 ? 0 : centre - half, high: hits === runs ? 1 : centre + half };
}
