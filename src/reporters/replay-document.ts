/** What came of one schedule as a document: the finding that it leads to, or else its steps. */
import type { Finding } from '../check/finding.ts';
import type { Block, Document } from '../document/document.ts';
import type { Trace } from '../trace/trace.ts';
import { type DocumentOptions, findingBlocks, withCode } from './finding-document.ts';
import { plain } from './layout.ts';
import { stepList } from './step-list.ts';

export interface ReplayedRun {
  readonly title: string;
  /** What was played, and what it came to. */
  readonly says: string;
  /** What became of a schedule that does not fit any more; empty where it fits. */
  readonly effort: readonly string[];
  readonly trace: Trace;
  readonly finding: Finding | null;
  /** What else was wrong on that run. */
  readonly others: readonly string[];
}

export const replayDocument = (
  { title, says, effort, trace, finding, others }: ReplayedRun,
  options: DocumentOptions,
): Document => ({
  title,
  blocks: [
    { kind: 'paragraph', text: says },
    ...(effort.length === 0 ? [] : [{ kind: 'literal' as const, lines: effort }]),
    ...(finding === null ? steps(trace, options) : findingBlocks(finding, options)),
    ...(others.length === 0 ? [] : also(others)),
  ],
});

const steps = (trace: Trace, { placeOf }: DocumentOptions): readonly Block[] => [
  { kind: 'literal', lines: stepList(trace.steps, { paint: plain, placeOf }) },
];

const also = (others: readonly string[]): readonly Block[] => [
  { kind: 'paragraph', text: 'Also on that run:' },
  { kind: 'list', ordered: false, items: others.map(withCode) },
];
