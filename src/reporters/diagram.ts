/**
 * The counterexample of a finding as kernel developers draw it in a commit message: a column for each CPU, time going
 * down, one step a line, at most 75 columns of ASCII.
 */
import type { Finding } from '../check/finding.ts';
import { inColumns } from './columns.ts';
import { locksHeld } from './locks-held.ts';
import { inList } from './numbered-list.ts';
import { rowsOf, threadsOf } from './rows.ts';

export interface DiagramOptions {
  /** Nothing is elided. */
  readonly allSteps?: boolean;
}

const MOST_COLUMNS = 3;

/** @returns the lines of the diagram and of the locks held, none if the finding has no trace */
export function diagram(finding: Finding, { allSteps = false }: DiagramOptions = {}): readonly string[] {
  const { trace } = finding;
  if (trace === null) return [];
  const threads = threadsOf(finding, trace);
  const isList = threads.length > MOST_COLUMNS;
  const nameOf = (thread: string) => (isList ? thread : `CPU${threads.indexOf(thread)}`);
  const rows = rowsOf(finding, trace, { allSteps, nameOf: (thread) => (threads.includes(thread) ? nameOf(thread) : thread) });
  const columns = threads.map((thread) => ({ thread, name: nameOf(thread) }));
  const drawn = isList ? inList(rows) : inColumns(rows, columns, finding.loopFrom !== null);
  return [...drawn, ...locksHeld(finding, trace, threads, nameOf)];
}

/** The diagram without what stands under it: for machines that read JSON. */
export const diagramText = (finding: Finding, options?: DiagramOptions): string | null =>
  finding.trace === null ? null : [...diagram(finding, options), ''].join('\n');
