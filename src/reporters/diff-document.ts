/** Two designs compared, as a document that one would attach to a patch. */
import type { CheckResult } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import type { Diff } from '../diff/diff.ts';
import type { LockEdge } from '../diff/lock-edges.ts';
import type { Block, Document } from '../document/document.ts';
import { code, heading, list, paragraph } from './blocks.ts';
import { outcomeBlocks, serialBlocks } from './diff-outcomes.ts';
import { replayedBlocks } from './diff-replayed.ts';
import { withCode } from './finding-document.ts';
import { nameFinding } from './finding-text.ts';
import { count, grouped, listed, plain } from './layout.ts';
import { claim, effort, outcomeText } from './verdict.ts';

export function diffDocument(diff: Diff): Document {
  const [a, b] = diff.checks;
  return {
    title: `${diff.scenario.name}: ${a.variant} against ${b.variant}`,
    blocks: [
      paragraph(answer(diff)),
      ...list(diff.checks.map(verdictOf)),
      ...findingBlocks(diff),
      ...replayedBlocks(diff),
      ...outcomeBlocks(diff),
      ...serialBlocks(diff),
      ...lockBlocks(diff),
      heading('What this rests on'),
      paragraph(basis(diff)),
    ],
  };
}

/** What who asks for a difference wants to know first. */
function answer(diff: Diff): string {
  const {
    checks: [a, b],
    findings: { only, both },
  } = diff;
  const [gone, fresh] = only.map(({ length }) => length) as [number, number];
  const all = gone + both.length;
  const other = fresh === 0 ? 'no other' : count(fresh, 'other');
  const kept = both.length === 0 ? 'none' : both.length === all ? 'all' : grouped(both.length);
  const single = both.length === 0 ? 'is without the finding' : 'has the finding';
  const old =
    all === 1 ? `${single} of ${a.variant}, and has` : `has ${kept} of the ${count(all, 'finding')} of ${a.variant}, and`;
  const found =
    all > 0
      ? `${b.variant} ${old} ${other}.`
      : fresh > 0
        ? `${b.variant} has ${count(fresh, 'finding')}, and ${a.variant} none.`
        : 'Neither has a finding.';
  const cut = whatWasCut(diff);
  return cut.length === 0
    ? found
    : `${found} The search of ${listed(cut)} was cut: what it has not met may be there all the same.`;
}

/** The verdict has a search of its own, and keeping all results may take more states than that. */
const whatWasCut = ({ checks, cuts }: Diff): readonly string[] =>
  checks.flatMap(({ variant, cut }, side) => (cut === null && cuts[side] === null ? [] : [variant]));

function verdictOf(check: CheckResult): string {
  const { summary } = check.scenario.variants[check.variant] ?? {};
  const is = summary === undefined || summary === null ? '' : `${summary} `;
  return `${code(check.variant)}: ${is}Result: ${outcomeText(check.outcome, plain)}. ${claim(check)}; ${effort(check)}.`;
}

function findingBlocks({ checks: [a, b], findings: { only, both } }: Diff): readonly Block[] {
  const [onlyA, onlyB] = only;
  const part = (where: string, lines: readonly string[]): readonly Block[] =>
    lines.length === 0 ? [] : [paragraph(`${where}:`), ...list(lines)];
  if (onlyA.length + onlyB.length + both.length === 0) return [];
  return [
    heading('Findings'),
    ...part(`Only in ${a.variant}`, onlyA.map(lineOf)),
    ...part(`Only in ${b.variant}`, onlyB.map(lineOf)),
    ...part(
      'In both',
      both.map(([one, other]) =>
        one.message === other.message ? lineOf(one) : `${lineOf(one)} In ${b.variant}: ${lineOf(other)}`,
      ),
    ),
  ];
}

const lineOf = (finding: Finding): string =>
  `${withCode(nameFinding(finding))} (${finding.id}${finding.expected ? '' : ', not expected'}).`;

function lockBlocks({ checks: [a, b], locks: { only, both } }: Diff): readonly Block[] {
  const [lost, gained] = only;
  const same =
    both === 0 ? 'No edge is the same in both' : `${count(both, 'edge')} ${both === 1 ? 'is' : 'are'} the same in both`;
  const part = (what: string, edges: readonly LockEdge[]): readonly Block[] =>
    edges.length === 0 ? [] : [paragraph(`${what}:`), ...list(edges.map(edgeLine))];
  return [
    heading('Lock order'),
    paragraph(
      lost.length + gained.length === 0
        ? `No edge is lost and none is gained${both === 0 ? ': there is none' : `: ${same}`}.`
        : `Who holds the first lock of an edge takes the second; locks are told apart by struct and field, and those of which the lock validator of the kernel keeps no order are left out. ${same}.`,
    ),
    ...part(`Only in ${a.variant}`, lost),
    ...part(`Only in ${b.variant}`, gained),
  ];
}

const edgeLine = ({ from, to, functions }: LockEdge): string =>
  `${code(`${from} -> ${to}`)}, in ${listed(functions.map((name) => code(`${name}()`)))}`;

function basis({ checks, cuts, strangers }: Diff): string {
  const [, b] = checks;
  const cut = checks.flatMap(({ variant, cut: bound }, side) => {
    const bounds = [...new Set([bound, cuts[side] ?? null])].filter((each) => each !== null);
    return bounds.length === 0 ? [] : [`${variant} at ${listed(bounds)}`];
  });
  const none =
    strangers.length === 0
      ? ''
      : ` ${b.variant} has no thread of the name ${listed(strangers.map(code))}: nothing that ${strangers.length === 1 ? 'it does' : 'they do'} is compared, unless \`--thread\` says who stands for whom.`;
  return `Memory model: sequential consistency. Every run shown was played on the live actors. Bounds: ${cut.length === 0 ? 'none' : listed(cut)}.${none}`;
}
