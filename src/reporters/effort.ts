/** What became of the runs of a schedule that does not fit any more, where it was played as far as it can be. */
import type { Attempt } from '../check/best-effort.ts';
import type { Effort } from '../check/played.ts';
import { count, listed, wrap } from './layout.ts';

export function effortText({ attempts, notThere }: Effort, indent = ''): readonly string[] {
  const changed = attempts.map((attempt, i) => ({ attempt, nth: i + 1 })).filter(({ attempt }) => isOther(attempt));
  const same = attempts.length - changed.length;
  return [
    ...(notThere.length === 0 ? [] : wrap(`What the schedule leaves out is not there any more: ${listed(notThere)}.`, indent)),
    ...(attempts.length === 0 ? [] : wrap(`As far as it can be played: ${runs(same, attempts.length)} as written.`, indent)),
    ...changed.flatMap(({ attempt, nth }) => wrap(`run ${nth}, ${spell(attempt)}`, `${indent}  `, `${indent}    `)),
  ];
}

const runs = (same: number, all: number): string =>
  same === 0 ? 'no run is' : `${same} of ${count(all, 'run')} ${same === 1 ? 'is' : 'are'}`;

const isOther = ({ run, taken }: Attempt): boolean => taken !== run.steps;

function spell({ run: { thread, steps, last }, taken, why }: Attempt): string {
  const said = `${thread} ${steps} ${last}`;
  if (taken === null) return `${said}: left out, ${why ?? 'it cannot be taken'}`;
  return `${said}: ${count(taken, 'step')}, ${Math.abs(taken - steps)} ${taken > steps ? 'more' : 'fewer'}`;
}

export const effortJson = (effort: Effort | null) =>
  effort && {
    runs: effort.attempts.map(({ run: { thread, steps, last }, taken, why }) => ({ thread, steps, last, taken, why })),
    notThere: [...effort.notThere],
  };
