/** Where one design leaves the failing runs of the other. */
import type { Diff } from '../diff/diff.ts';
import type { PartingWays, Replayed } from '../diff/replayed.ts';
import type { Block } from '../document/document.ts';
import { code, heading, list, paragraph } from './blocks.ts';
import { withCode } from './finding-document.ts';
import { nameFinding } from './finding-text.ts';
import { count, grouped, listed } from './layout.ts';

export function replayedBlocks({ checks: [a, b], replayed }: Diff): readonly Block[] {
  if (replayed.length === 0) return [];
  return [
    heading(`The failing runs of ${a.variant} in ${b.variant}`),
    ...replayed.flatMap((run) => [
      paragraph(`${withCode(nameFinding(run.finding))}:`),
      ...list(wayOf(run, a.variant, b.variant)),
    ]),
  ];
}

function wayOf(run: Replayed, a: string, b: string): readonly string[] {
  const { first, left, found, finding, same, extra, leftOut } = run;
  const steps = finding.trace?.steps.length ?? 0;
  const faults = found.length === 0 ? 'nothing is found' : `${listed(found.map((each) => withCode(nameFinding(each))))} is found`;
  if (first === null) return [`All ${count(steps, 'step')} are the same, and ${faults}.`];
  const before =
    first.step === 1 ? `They part at the first step of ${steps}:` : `Before step ${first.step} of ${steps} all is the same. Then`;
  const begin = `${before} ${theirs(first, a)}, where ${b} ${ours(first)}.`;
  const detour = [
    ...(extra === 0 ? [] : [`takes ${count(extra, 'step')} that ${a} does not`]),
    ...(leftOut === 0 ? [] : [`leaves out ${grouped(leftOut)}`]),
  ];
  const along =
    detour.length === 0
      ? []
      : [`It ${listed(detour)}; ${grouped(same)} of ${count(steps, 'step')} ${same === 1 ? 'is' : 'are'} the same.`];
  if (left === null) return [begin, ...along, `It comes to the end of the run, and ${faults}.`];
  const end = isSame(first, left)
    ? `It never comes back to the run. Up to there ${faults}.`
    : `At step ${left.step} it leaves the run for good: ${theirs(left, a)}, where ${b} ${ours(left)}. Up to there ${faults}.`;
  return [begin, ...along, end];
}

const isSame = (first: PartingWays, left: PartingWays): boolean => first.step === left.step && first.why === left.why;

const theirs = ({ here }: PartingWays, a: string): string =>
  `${here.thread} of ${a} does ${code(here.says)} in ${code(`${here.function}()`)}`;

function ours({ why, there }: PartingWays): string {
  if (there === null) return 'has no thread of that name';
  const { thread, says, heldBy } = there;
  const where = there.function === null ? '' : ` in ${code(`${there.function}()`)}`;
  switch (why) {
    case 'ended':
      return `has nothing left for ${thread} to do`;
    case 'stopped':
      return `has ${thread} stopped by an oops`;
    case 'waits':
      return `has ${thread} wait before ${code(says ?? '')}${where}${heldBy.length === 0 ? '' : `: ${listed(heldBy)} holds it`}`;
    case 'other step':
    case 'no such thread':
      return `has ${thread} do ${code(says ?? '')}${where}`;
  }
}
