/** One finding in full: what went wrong, the diagram, what a kernel would print, how to play it again. */
import type { Finding } from '../check/finding.ts';
import type { WholeOperation } from '../explore/serial-orders.ts';
import { clauseOf } from '../explore/serial-outcome.ts';
import { formatSchedule } from '../trace/schedule.ts';
import { diagram } from './diagram.ts';
import { kernelPrint } from './kernel/print.ts';
import { count, grouped, type Paint, WIDTH, wrap } from './layout.ts';
import { ledgerText } from './ledger.ts';
import { leftOut } from './not-needed.ts';
import type { PlaceOf } from './places.ts';
import { threadsOf } from './rows.ts';
import { stepList } from './step-list.ts';

export interface FindingOptions {
  readonly paint: Paint;
  /** Diagrams without elisions. */
  readonly allSteps: boolean;
  /** Where each step stands in the source, in a list of its own; null for no list. */
  readonly placeOf: PlaceOf | null;
  /** The command that plays the finding again; null where the reader has just given it. */
  readonly replay: ((finding: Finding) => string) | null;
}

export function findingText(finding: Finding, options: FindingOptions): readonly string[] {
  const { paint, allSteps, placeOf } = options;
  return [
    ...wrap(`${finding.message}.`).map(paint.strong),
    ...(finding.expected ? ['This is the finding that the scenario expects.'] : []),
    ...block(diagram(finding, { allSteps }).map((line) => (/^[^^]*\^{2,}$/.test(line) ? paint.bad(line) : line))),
    ...block(facts(finding)),
    ...block(nearestOrder(finding)),
    ...block(kernel(finding)),
    ...block(ledgerText(finding)),
    ...(placeOf === null || finding.trace === null
      ? []
      : block(['Steps:', ...stepList(finding.trace.steps, { placeOf, paint })])),
    ...block(schedule(finding, options)),
  ];
}

/** With its kind, where the sentence does not begin with it. */
export const nameFinding = ({ kind, message }: Pick<Finding, 'kind' | 'message'>): string =>
  message.toLowerCase().startsWith(kind) ? message : `${kind}: ${message}`;

const block = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', ...lines]);

/** How long and by whom the counterexample is, and what it does without. */
export function facts(finding: Finding): readonly string[] {
  const { trace, preemptions, proven, kind, loopFrom } = finding;
  if (trace === null) return [];
  // Those that are stuck from the beginning count, as in the diagram.
  const threads = threadsOf(finding, trace);
  const fewest = proven ? ' (no schedule has fewer)' : '';
  const loop = loopFrom === null ? '' : `, the last ${trace.steps.length - loopFrom + 1} of them over and over`;
  const rest = leftOut(finding.without);
  const without = rest === null ? [] : wrap(`Not needed for this finding: ${rest}.`, '', '  ');
  return wrap(
    `${kind}: ${count(trace.steps.length, 'step')}${loop}, ${count(preemptions, 'preemption')}${fewest}, ${count(threads.length, 'thread')}.`,
  ).concat(without);
}

/** How many differences are spelled out. */
const MOST_DIFFERENCES = 5;

export function nearestOrder({ serial }: Finding): readonly string[] {
  if (serial === null) return [];
  const { order, differences, outcomes } = serial;
  const shown = differences.slice(0, MOST_DIFFERENCES);
  const more = differences.length - shown.length;
  return [
    ...wrap(`Nearest serial order: ${order.map(spellOperation).join(', ')}.`, '', '  '),
    ...shown.flatMap(({ object, here, there, of }) =>
      wrap(`There ${object} ${clauseOf(of, there)}, here it ${clauseOf(of, here)}.`, '  ', '    '),
    ),
    ...(more === 0 ? [] : [`  And ${count(more, 'more difference')}.`]),
    ...(outcomes === 1
      ? []
      : wrap(`Of the outcomes that no order gives, ${grouped(outcomes)} first differ in ${differences[0]?.object ?? 'this'}.`)),
  ];
}

export const spellOperation = ({ thread, operation }: WholeOperation): string => `${thread}.${operation}()`;

function kernel(finding: Finding): readonly string[] {
  const { says, lines } = kernelPrint(finding, WIDTH - 2);
  return [...wrap(says), ...lines.map((line) => `  ${line}`.trimEnd())];
}

/** The lines of a schedule and of a command are copied: they are never broken. */
function schedule(finding: Finding, { replay, paint }: FindingOptions): readonly string[] {
  if (finding.schedule === null || replay === null) return [];
  const text = formatSchedule(finding.schedule).trimEnd().split('\n');
  return ['Schedule:', ...text.map((line) => `  ${line}`), `Replay: ${paint.strong(replay(finding))}`];
}
