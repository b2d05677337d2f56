/** What calls returned, which ways their steps went, and which of them ran into one another. */
import type { Covered } from '../coverage/merge.ts';
import type { Block } from '../document/document.ts';
import { code, heading, list, paragraph, table } from './blocks.ts';
import { count } from './layout.ts';

export const resultBlocks = ({ operations }: Covered): readonly Block[] => [
  heading('Results of entry points'),
  table(
    ['call', 'returned'],
    operations.map(({ operation, results }) => [`${operation}()`, results.length === 0 ? UNKNOWN : results.join(', ')]),
  ),
  ...(operations.every(({ results }) => results.length > 0)
    ? []
    : [paragraph(`Where a dash stands no result is known: the call is of a daemon, is made over and over, or never returned.`)]),
];

const UNKNOWN = '-';

export function wayBlocks({ ways }: Covered): readonly Block[] {
  if (ways.length === 0) return [];
  return [
    heading('Ways of choices and waits'),
    table(
      ['in', 'step', 'taken', 'never taken'],
      ways.map(({ function: name, step, taken, never }) => [`${name}()`, step, taken.join(', '), never.join(', ')]),
    ),
  ];
}

export function raceBlocks({ pairs, operations }: Covered): readonly Block[] {
  const names = [
    ...new Set([...operations.map(({ operation }) => operation), ...pairs.flatMap((pair) => pair.operations)]),
  ].toSorted();
  const raced = pairs.filter((pair) => pair.raced);
  const beside = pairs.length - raced.length;
  const partners = (name: string, of: typeof pairs) =>
    of
      .filter((pair) => pair.operations.includes(name))
      .map(({ operations: [one, other] }) => (one === name ? other : one))
      .toSorted();
  return [
    heading('Calls that raced'),
    paragraph(
      `Two calls raced where both could go on in one state, and their next steps spoke to one part, not both only to read it: ${count(raced.length, 'pair')} of the ${count((names.length * (names.length + 1)) / 2, 'pair')} that ${count(names.length, 'entry point')} make.${beside === 0 ? '' : ` ${count(beside, 'more pair')} could go on side by side, but never met at a part.`}`,
    ),
    ...list(
      names.map((name) => {
        const with_ = partners(name, raced);
        return `${code(`${name}()`)}: ${with_.length === 0 ? 'none' : with_.join(', ')}`;
      }),
    ),
  ];
}

export function wantedBlocks({ variants }: Covered): readonly Block[] {
  const never = variants.flatMap(({ scenario, variant, sometimes, cut }) =>
    sometimes
      .filter(({ reached }) => !reached)
      .map(
        ({ name, expected }) =>
          `${scenario}/${variant}: "${name}"${expected ? ', as expected' : ''}${cut === null ? '' : ', before the cut'}`,
      ),
  );
  const all = variants.reduce((sum, { sometimes }) => sum + sometimes.length, 0);
  if (all === 0) return [];
  return [
    heading('What scenarios say is reached'),
    ...(never.length === 0
      ? [paragraph(`All ${count(all, 'predicate')} of \`sometimes\` were true in some state.`)]
      : [paragraph('Never true, in any state that was met:'), ...list(never)]),
  ];
}
