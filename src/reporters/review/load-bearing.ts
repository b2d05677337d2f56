/** Which parts of the kernel code the scenario needs: what breaks without each, and what could go as far as it tells. */
import type { Finding } from '../../check/finding.ts';
import type { Block } from '../../document/document.ts';
import type { ElementResult, LoadBearing, Trial } from '../../edits/element.ts';
import { diagram } from '../diagram.ts';
import { withCode } from '../finding-document.ts';
import { nameFinding } from '../finding-text.ts';
import { count, listed } from '../layout.ts';
import { bullets, paragraph } from './as-before.ts';
import { code } from './spell.ts';

export function loadBearingBlocks({ results, stopped, surveys }: LoadBearing): readonly Block[] {
  const having = (verdict: ElementResult['verdict']) => results.filter((result) => result.verdict === verdict);
  const breaking = having('load-bearing');
  const unknown = having('unknown');
  const cut = surveys.filter((survey) => survey.cut !== null).map(({ variant }) => code(variant));
  return [
    paragraph(
      `Each critical section, reference, check, wait and order of two steps in kernel code was taken away or narrowed, one at a time, and the variants were explored again. Of ${count(results.length, 'change')} ${verdict(breaking.length)}${stopped === null ? '' : `, as far as it went: ${stopped}`}.`,
    ),
    ...(cut.length === 0 ? [] : [paragraph(`Nothing was taken from ${listed(cut)}, whose own search was cut.`)]),
    ...titled('Load-bearing:', breaking.map(whatBreaks)),
    ...breaking.filter(({ element }) => element.how === 'removed').flatMap(drawn),
    ...titled(
      'Nothing breaks, but something that the scenario is there to show is no longer reached:',
      having('unreached').map(({ element, trials }) => {
        const lost = [...new Set(trials.flatMap(({ unreached }) => unreached))].map((name) => `"${name}"`);
        return `${withCode(element.says)}: ${listed(lost)}.`;
      }),
    ),
    ...titled('Nothing new is found without these, exhaustively:', having('unneeded').map(told)),
    ...titled('Nothing broke before the search was cut:', unknown.filter(({ trials }) => trials.length > 0).map(told)),
    ...titled('Not come to:', unknown.filter(({ trials }) => trials.length === 0).map(told)),
    ...titled('Not tried, for without it there is no program:', having('untried').map(told)),
  ];
}

const verdict = (breaking: number): string =>
  breaking === 0 ? 'none breaks anything' : `${count(breaking, 'breaks', 'break')} something`;

const titled = (title: string, items: readonly string[]): readonly Block[] =>
  items.length === 0 ? [] : [paragraph(title), ...bullets(items)];

const told = ({ element }: ElementResult): string => `${withCode(element.says)}.`;

/** The trial that has shown it, with the cheapest of what it has found. */
function shown({ trials }: ElementResult): { readonly trial: Trial; readonly finding: Finding } | null {
  const trial = trials.find(({ outcome }) => outcome === 'breaks');
  const [finding] = trial?.findings ?? [];
  return trial === undefined || finding === undefined ? null : { trial, finding };
}

function whatBreaks(result: ElementResult): string {
  const broken = shown(result);
  if (broken === null) return told(result);
  const { trial, finding } = broken;
  const more = trial.faults > 1 ? `, and ${count(trial.faults - 1, 'more fault')}` : '';
  return `${withCode(result.element.says)}: in ${code(trial.variant)}, ${withCode(nameFinding(finding))}${more}.`;
}

function drawn(result: ElementResult): readonly Block[] {
  const broken = shown(result);
  const lines = broken === null ? [] : diagram(broken.finding);
  if (broken === null || lines.length === 0) return [];
  return [paragraph(`In ${code(broken.trial.variant)}, ${withCode(result.element.says)}:`), { kind: 'literal', lines }];
}
