/** What a check may claim: how far it looked, at what, under which assumptions. */
import type { CheckResult, Outcome } from '../check/check.ts';
import type { Thread } from '../model/scenario.ts';
import { count, grouped, listed, type Paint, wrap } from './layout.ts';

/** How outcomes read, and in what colour: the words alone say it. */
export function outcomeText(outcome: Outcome, paint: Paint): string {
  switch (outcome) {
    case 'as-expected':
      return paint.good('as expected');
    case 'unexpected':
      return paint.bad('UNEXPECTED');
    case 'missing':
      return paint.bad('MISSING what is expected');
    case 'cut':
      return paint.doubtful('cut, nothing unexpected so far');
  }
}

/** "Exhaustive: no finding in N states" and "No finding, but cut at N states" claim different things, and never look alike. */
export function claim(result: CheckResult): string {
  const { findings, cut } = result;
  const found = findings.length === 0 ? 'no finding' : count(findings.length, 'finding');
  if (cut === null) return `Exhaustive: ${found} in ${metBy(result)}`;
  const said = findings.length === 0 ? 'No finding' : found;
  if (/^\d+ states$/.test(cut)) return `${said}, but cut at ${count(Number.parseInt(cut, 10), 'state')}`;
  return `${said} in ${metBy(result)}, but cut: ${cut}`;
}

const metBy = ({ strategy, states, traces }: CheckResult): string =>
  strategy.startsWith('dpor') && traces !== null ? count(traces, 'trace') : count(states, 'state');

/** What a search does, where its name does not say it to everybody. */
const SEARCHES: Readonly<Record<string, string>> = {
  plain: 'state by state',
  reduced: 'reduced; orders that only swap steps which do not conflict count once',
  dpor: 'optimal DPOR; one run for each Mazurkiewicz trace',
  'dpor, equal writes commute': 'optimal DPOR; one run for each Mazurkiewicz trace, equal writes being in no order',
  bounded: 'every schedule within the bound, in rounds of preemptions',
  bitstate: 'bitstate hashing',
  pct: 'PCT, runs by random priorities',
  pos: 'POS, runs by random priorities of steps',
  random: 'random walks',
};

export const effort = ({ steps, depth, seconds }: CheckResult): string =>
  `${count(steps, 'step')}, depth ${grouped(depth)}, ${seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`}`;

/** Threads with their calls, the memory model, the bounds, and the kinds of finding that were looked for. */
export function scopeOf(result: CheckResult): readonly string[] {
  const { threads, assumes, summary } = designOf(result);
  const longest = Math.max(0, ...threads.map(({ name }) => name.length));
  return [
    ...(summary === null ? [] : wrap(summary)),
    `${count(threads.length, 'thread')}:`,
    ...threads.flatMap(({ name, calls }) => {
      const begin = `  ${name.padEnd(Math.min(longest, 30))}  `;
      return wrap(calls, begin, ' '.repeat(begin.length));
    }),
    ...(assumes === null ? [] : wrap(`Assumes: ${assumes}`, '', '  ')),
    ...limitsOf(result).flatMap((sentences) => wrap(sentences)),
  ];
}

/** Who takes part in a variant, and what it takes for granted. */
export function designOf({ scenario, variant: name }: CheckResult) {
  const variant = scenario.variants[name];
  return {
    threads: Object.entries(variant?.threads ?? {}).map(([thread, calls]) => ({ name: thread, calls: callsOf(calls) })),
    assumes: variant?.assumes ?? scenario.assumes ?? null,
    summary: variant?.summary ?? null,
  };
}

/** What was searched, by which rules, and what was not: in sentences. */
export const limitsOf = (result: CheckResult): readonly string[] => [
  `Memory model: sequential consistency. Search: ${SEARCHES[result.strategy] ?? result.strategy}. Bounds: ${result.cut ?? 'none; every interleaving was searched'}. Searched for ${listed(result.searched)}.`,
  ...result.notes,
  ...serialScope(result),
  ...(result.searched.includes('starvation') ? [] : ['Not searched for starvation and hung-task, which takes the whole graph.']),
  ...(result.estimate === null ? [] : [`Covered, by estimate: ${result.estimate}.`]),
];

/** How many outcomes were compared, and with how many. That there was nothing to compare is said elsewhere, and always. */
function serialScope({ serial, searched }: CheckResult): readonly string[] {
  if (serial === null || !searched.includes('non-serialisable')) return [];
  const stuck = serial.someNeverEnd ? ' Orders in which an operation waits for ever have no outcome.' : '';
  return [
    `Outcomes: ${grouped(serial.outcomes)} of all interleavings, ${grouped(serial.serialOutcomes)} of every order of whole operations.${stuck}`,
  ];
}

/** Why the outcomes were not compared with those of whole operations though the scenario asks for it. */
export function notCompared({ serial, searched }: CheckResult): string | null {
  if (serial === null || searched.includes('non-serialisable')) return null;
  const { notApplicable, cut } = serial;
  if (notApplicable !== null) return `Serialisable: not applicable, ${notApplicable}.`;
  return `Serialisable: not compared, ${cut ?? 'no run had come to its end before the cut'}.`;
}

const callsOf = ({ calls, kind, forever }: Thread): string => {
  const names = calls.map(({ operation: { name }, condition }) => {
    const called = name === '' ? '(unnamed)' : `${name}()`;
    return `${called}${condition === null ? '' : ' if that succeeded'}`;
  });
  return `${names.join(', ')}${forever ? ', over and over' : ''}${kind === 'daemon' ? ' (daemon)' : ''}`;
};
