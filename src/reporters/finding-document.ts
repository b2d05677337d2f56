/** One finding as the blocks of a document, in the order of its text. */
import type { Finding } from '../check/finding.ts';
import type { Block } from '../document/document.ts';
import { formatSchedule } from '../trace/schedule.ts';
import { diagram } from './diagram.ts';
import { facts, type FindingOptions, nearestOrder } from './finding-text.ts';
import { kernelPrint } from './kernel/print.ts';
import { ledgerText } from './ledger.ts';
import { plain, WIDTH } from './layout.ts';
import { stepList } from './step-list.ts';

export type DocumentOptions = Omit<FindingOptions, 'paint'>;

/** Function names are code, in whatever sentence they stand. */
export const withCode = (text: string): string => text.replaceAll('`', "'").replace(/\b[A-Za-z_]\w*\(\)/g, '`$&`');

export function findingBlocks(finding: Finding, { allSteps, placeOf, replay }: DocumentOptions): readonly Block[] {
  const { trace, expected, message } = finding;
  return [
    paragraph(`${message}.${expected ? ' This is the finding that the scenario expects.' : ''}`),
    ...literal(diagram(finding, { allSteps })),
    ...said(facts(finding)),
    ...literal(nearestOrder(finding)),
    ...kernel(finding),
    ...literal(ledgerText(finding)),
    ...(placeOf === null || trace === null
      ? []
      : [paragraph('Steps:'), ...literal(stepList(trace.steps, { placeOf, paint: plain }))]),
    ...schedule(finding, replay),
  ];
}

function kernel(finding: Finding): readonly Block[] {
  const { says, lines } = kernelPrint(finding, WIDTH);
  return [paragraph(says), ...literal(lines)];
}

/** The lines of a schedule and of a command are copied: they are set as they are. */
function schedule(finding: Finding, replay: FindingOptions['replay']): readonly Block[] {
  if (finding.schedule === null || replay === null) return [];
  return [
    paragraph('Schedule:'),
    ...literal(formatSchedule(finding.schedule).trimEnd().split('\n')),
    paragraph('Replay:'),
    ...literal([replay(finding)]),
  ];
}

const paragraph = (text: string): Block => ({ kind: 'paragraph', text: withCode(text) });
const said = (lines: readonly string[]): readonly Block[] => (lines.length === 0 ? [] : [paragraph(lines.join(' '))]);
const literal = (lines: readonly string[]): readonly Block[] => (lines.length === 0 ? [] : [{ kind: 'literal', lines }]);
