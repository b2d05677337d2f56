/** How likely runs at random are to come to a finding, in words that say what is exact and what was counted. */
import type { Computed, Counted, Guarantee, Odds } from '../check/odds.ts';
import { grouped, wrap } from './layout.ts';

const HANGING = ' '.repeat('  PCT, depth 9: '.length);

export function oddsText(odds: Odds | null): readonly string[] {
  if (odds === null) return [];
  const { random, pct } = odds;
  return [
    ...wrap('Chance of it, before anything else goes wrong, in the variant as it stands:'),
    ...wrap(random.by === 'runs' ? countedText(random) : computedText(random), '  random walk:  ', HANGING),
    ...wrap(countedText(pct), `  PCT, depth ${pct.depth}: `.padEnd(HANGING.length), HANGING),
    ...(pct.guarantee === null ? [] : wrap(`${guaranteed(pct.guarantee)}.`, '  ')),
  ];
}

function computedText({ low, high, states }: Computed): string {
  const over = `${grouped(states)} states`;
  if (low === high) return `${percent(low)} (exact, over ${over})`;
  if (high < NEVER) return `less than ${percent(NEVER)} (computed over ${over})`;
  const isKnown = high - low < low * CLOSE;
  return `${percent(low)}${isKnown ? '' : ` to ${percent(high)}`} (computed over ${over})`;
}

function countedText({ hits, runs, seed, low, high }: Counted): string {
  if (runs === 0) return 'not counted: it was stopped before';
  const counted = `${grouped(hits)} of ${grouped(runs)} runs, seed ${seed}`;
  const interval = hits === 0 ? `at most ${percent(high)}` : `${high < RARE ? percent(low) : inPercent(low)} to ${percent(high)}`;
  return `${hits === 0 ? 'not met' : percent(hits / runs)} (counted: ${counted}; 95 % interval ${interval})`;
}

/** Of the depth at which the counterexample itself is forced, which may be more than that of the runs. */
function guaranteed({ depth, threads, steps, probability, hasWays }: Guarantee): string {
  const power = depth === 1 ? '' : depth === 2 ? `*${steps}` : `*${steps}^${depth - 1}`;
  const ways = hasWays ? ', if steps with several ways take the right one' : '';
  return `PCT, depth ${depth}, guarantees at least 1/(${threads}${power}) = ${percent(probability)}${ways}`;
}

/** Nobody waits for what is rarer. */
const NEVER = 1e-12;
/** Two shares that differ by less than this part read as one. */
const CLOSE = 1e-3;
/** What is rarer than this reads better as one in so many. */
const RARE = 0.0001;

function percent(share: number): string {
  if (share > 0 && share < RARE) return `1 in ${grouped(Number((1 / share).toPrecision(2)))}`;
  return inPercent(share);
}

function inPercent(share: number): string {
  // One that is all but certain is not certain.
  const shown = Number((share * 100).toPrecision(3));
  return `${shown >= 100 && share < 1 ? 99.9 : shown} %`;
}
