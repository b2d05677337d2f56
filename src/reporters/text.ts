/** The report of a check as text: the verdict, each finding, what came after, what is missing. */
import type { CheckResult } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import type { Expectation } from '../model/scenario.ts';
import { type FindingOptions, findingText, nameFinding } from './finding-text.ts';
import { count, WIDTH, wrap } from './layout.ts';
import { claim, effort, notCompared, outcomeText, scopeOf } from './verdict.ts';

export interface TextOptions extends FindingOptions {
  /** `full` draws every finding, `brief` only those that the scenario does not expect, `line` none. */
  readonly detail: 'full' | 'brief' | 'line';
}

/** The lines of one variant's report; all but schedules and commands fit 75 columns. */
export function checkText(result: CheckResult, options: TextOptions): readonly string[] {
  const { paint, detail } = options;
  const { findings, scenario, variant } = result;
  const name = `${scenario.name}/${variant}`;
  const title = `${paint.strong(name)}: ${outcomeText(result.outcome, paint)}`;
  const isShort = detail === 'line' || (detail === 'brief' && result.outcome === 'as-expected');
  if (isShort) {
    const list = findings
      .filter(({ expected }) => detail !== 'line' || !expected)
      .flatMap((finding) => oneLine(finding, options));
    return [title, ...wrap(`${claim(result)}.`, '  '), ...list, ...absent(result)];
  }
  return [
    title,
    ...wrap(`${claim(result)}; ${effort(result)}.`),
    ...scopeOf(result),
    ...absent(result),
    ...findings.flatMap((finding, i) => ['', heading(finding, i, findings.length), ...findingText(finding, options)]),
    ...afterwards(result),
  ];
}

function heading({ id }: Finding, i: number, of: number): string {
  const title = `-- ${of === 1 ? 'finding' : `finding ${i + 1} of ${of}`}: ${id} `;
  return title.padEnd(WIDTH, '-');
}

function oneLine(finding: Finding, { replay, paint }: FindingOptions): readonly string[] {
  return [
    ...wrap(`${finding.expected ? 'expected' : 'UNEXPECTED'}: ${nameFinding(finding)}`, '  ', '    '),
    ...(finding.schedule === null || replay === null ? [] : [paint.faint(`    ${replay(finding)}`)]),
  ];
}

/** What should have come and did not; before a cut, that proves nothing. */
function absent(result: CheckResult): readonly string[] {
  const { missing, sometimes, cut } = result;
  const never = sometimes.filter(({ reached }) => !reached);
  const soFar = cut === null ? '' : ' before the cut';
  const unasked = notCompared(result);
  return [
    ...(unasked === null ? [] : wrap(unasked, '  ', '    ')),
    ...missing.flatMap((expectation) => wrap(`Expected and not found${soFar}: ${spellExpectation(expectation)}.`, '  ', '    ')),
    ...never.flatMap(({ name }) => wrap(`Never reached${soFar}: "${name}".`, '  ', '    ')),
  ];
}

export const spellExpectation = ({ kind, object, between }: Expectation): string =>
  `${kind} at ${object}${between === undefined ? '' : ` between ${between.join('() and ')}()`}`;

function afterwards({ consequences }: CheckResult): readonly string[] {
  if (consequences.length === 0) return [];
  const said = [...new Set(consequences.map(nameFinding))];
  return [
    '',
    `${count(said.length, 'consequence')}, met only after a finding:`,
    ...said.flatMap((line) => wrap(line, '  ', '    ')),
  ];
}
