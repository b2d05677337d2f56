/**
 * KCSAN (lib/Kconfig.kcsan, kernel/kcsan/report.c): two accesses that nothing orders, each with who makes it and under which
 * locks, and what a watcher would have seen change.
 *
 * It samples: it sees a race where it delays the one access while the other comes. As it is configured by default it takes
 * a plain write of a word to be atomic, and is silent where the value does not change. Two accesses that never come at once
 * it sees only where it models weak memory, which goes with its strict rules.
 */
import type { Meaning } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Finding } from '../../check/finding.ts';
import { plainName } from '../../model/names.ts';
import type { Trace, TraceStep } from '../../trace/trace.ts';
import { stack } from './call-trace.ts';

const RULER = '='.repeat(66);

/** One side of the race: the step, and what it does to the field. */
interface Side {
  readonly step: TraceStep;
  readonly means: Meaning;
  /** To who makes the other access. */
  readonly isPlain: boolean;
}

export function kcsan(title: string, finding: Finding, trace: Trace): readonly string[] {
  const sides = sidesOf(finding, trace);
  const changed = changeOf(finding, sides);
  return [
    RULER,
    `${title} (modelled)`,
    ...sides.flatMap((side) => ['', ...access(side, finding)]),
    ...(changed === null ? [] : ['', `value changed: ${changed}`]),
    RULER,
  ];
}

/** When a kernel would say so, as a sentence that the report comes after. */
export function whenKcsanSpeaks(finding: Finding, trace: Trace): string {
  const sides = sidesOf(finding, trace);
  const [second, first] = sides;
  if (second !== undefined && first !== undefined && second.step.index - first.step.index > 1)
    return (
      'On this run the accesses are apart. A kernel with KCSAN sees that only with CONFIG_KCSAN_STRICT=y and ' +
      'CONFIG_KCSAN_WEAK_MEMORY=y, where it lets the first take effect later:'
    );
  const needed = [
    ...(sides.some(({ means, isPlain }) => isPlain && means.kind !== 'write') ? [] : ['ASSUME_PLAIN_WRITES_ATOMIC']),
    ...(sides.some(({ step }) => step.changes.some(isOf(finding))) ? [] : ['REPORT_VALUE_CHANGE_ONLY']),
  ];
  const when = 'where it delays one access while the other comes:';
  if (needed.length === 0) return `A kernel with KCSAN prints there, ${when}`;
  const options = needed.map((option) => `CONFIG_KCSAN_${option}=n`).join(' and ');
  return `A kernel prints nothing there, also with KCSAN as it is by default. With ${options} it does, ${when}`;
}

/** The second access finds the first under watch, so it is printed first. */
const sidesOf = (finding: Finding, { steps }: Trace): readonly Side[] =>
  steps
    .filter(({ index }) => finding.pair.marked.includes(index))
    .map((step) => ({ step, means: [step, ...step.also].find(isOf(finding))?.means ?? step.means }))
    .map((side, i, all) => ({ ...side, isPlain: isPlainBeside(side.means, all[1 - i]?.means) }))
    .toReversed();

/** To the other side, that is: a writer may be plain to who writes as well, and marked to who reads. */
const isPlainBeside = ({ plain }: Meaning, other: Meaning | undefined): boolean =>
  plain === true || (plain === 'beside writers' && other?.kind !== 'read');

const isOf =
  ({ object }: Finding) =>
  (part: { readonly object: string } | { readonly path: string }): boolean =>
    plainName('path' in part ? part.path : part.object) === object;

const access = ({ step, means, isPlain }: Side, { object }: Finding): readonly string[] => {
  const marked = isPlain ? '' : ' (marked)';
  const locks = step.held.length === 0 ? 'none' : step.held.map(plainName).join(', ');
  return [
    `${verbOf(means)}${marked} to ${object} by ${step.thread} at step ${step.index}, locks: ${locks}:`,
    ...stack(step.functions),
  ];
};

const verbOf = ({ kind }: Meaning): string => (kind === 'read' ? 'read' : kind === 'write' ? 'write' : 'read-write');

/** Of a field that holds one value; what a list has come to is not told in a line. */
function changeOf(finding: Finding, sides: readonly Side[]): string | null {
  for (const { step } of sides) {
    const change = step.changes.find(isOf(finding));
    if (change === undefined) continue;
    const [before, after] = [spell(change.before.context), spell(change.after.context)];
    if (before !== null && after !== null) return `${before} -> ${after}`;
  }
  return null;
}

function spell(context: { readonly [field: string]: Json }): string | null {
  const fields = Object.values(context);
  const [value] = fields;
  if (fields.length !== 1 || value === undefined) return null;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const { at } = value as { readonly at?: Json };
  return typeof at === 'string' ? plainName(at) : null;
}
