/** Small changes that mend a finding: what each is, as a patch would show it, and what was explored to say so. */
import type { Block } from '../../document/document.ts';
import type { Scenario } from '../../model/scenario.ts';
import type { Fix, FixSearch, Verified } from '../../edits/fixes/fix.ts';
import { ascii, count, cut, grouped, listed } from '../layout.ts';
import { withCode } from '../finding-document.ts';
import { paragraph } from './as-before.ts';
import { code } from './spell.ts';

const WIDTH = 75;

/** Of those that do harm elsewhere no more are shown for a finding. */
const MOST_PARTLY = 2;

/** @param scenario the one under review: designs of others go by both their names */
export function fixBlocks(searches: readonly FixSearch[], scenario: Pick<Scenario, 'name' | 'question'>): readonly Block[] {
  if (searches.length === 0) return [];
  return [
    paragraph(
      'Each change was put into the model of the code, and every design that runs this code was explored again. One that holds leaves nothing of the finding, brings nothing that was not there before, and callers still get what they got. Only calls that exist are used.',
    ),
    ...searches.flatMap((search) => ofFinding(search, scenario)),
  ];
}

type Of = Pick<Scenario, 'name' | 'question'>;

function ofFinding({ finding, message, variant, fixes, tried, stopped }: FixSearch, scenario: Of): readonly Block[] {
  const whole = fixes.filter(({ broken }) => broken.length === 0);
  const partly = partlyGood(fixes, whole, scenario).slice(0, MOST_PARTLY);
  const held = ['none holds', 'this one holds'][whole.length] ?? 'these hold, the smallest first,';
  const outcome =
    tried === 0
      ? stopped === null
        ? 'None of the small changes that are known fits it, so none was tried.'
        : 'No small change was tried.'
      : `Of ${count(tried, 'small change')} that were tried ${held} in every design that runs the code.`;
  const bound = stopped === null ? '' : ` It was stopped before all were tried: ${stopped}.`;
  return [
    { kind: 'heading', level: 2, text: `${code(finding)} in ${code(variant)}` },
    paragraph(`${withCode(ascii(message))}. ${outcome}${bound}`),
    ...whole.flatMap((fix) => ofFix(fix, scenario)),
    ...(partly.length === 0
      ? []
      : [paragraph('These mend it here, and do harm elsewhere:'), ...partly.flatMap((fix) => ofFix(fix, scenario))]),
  ];
}

/** The best of each kind of which none holds everywhere, that which was merged first. */
function partlyGood(fixes: readonly Fix[], whole: readonly Fix[], { question }: Of): readonly Fix[] {
  const best = fixes.filter(
    (fix, i) =>
      fix.broken.length > 0 &&
      !whole.some(({ kind }) => kind === fix.kind) &&
      fixes.findIndex(({ kind }) => kind === fix.kind) === i,
  );
  const isMerged = ({ kind }: Fix) => Number(kind === question?.mergedKind);
  return best.toSorted((a, b) => isMerged(b) - isMerged(a));
}

function ofFix(fix: Fix, scenario: Of): readonly Block[] {
  const lines = fix.steps.map((line) => cut(ascii(line), WIDTH - 4));
  return [
    paragraph(sentence(fix, scenario)),
    ...(lines.length === 0 ? [] : [{ kind: 'literal' as const, lines }]),
    paragraph([restsOn(fix, scenario.name), harm(fix), orders(fix), others(fix)].filter((said) => said !== '').join(' ')),
  ];
}

function sentence({ says, size, kind }: Fix, { question }: Of): string {
  const merged = question?.mergedKind === kind ? ', which is the kind of change that was merged' : '';
  return `${withCode(capital(says))} (${kind}; ${count(size, 'statement')}${merged}).`;
}

/** C code that begins the sentence stays as it is. */
const capital = (says: string): string =>
  says.replace(/^[a-z]+(?=\s(?!=))/, (word) => word.charAt(0).toUpperCase() + word.slice(1));

const nameOf = ({ scenario, variant }: Pick<Verified, 'scenario' | 'variant'>, own: string): string =>
  code(scenario === own ? variant : `${scenario}/${variant}`);

function restsOn({ verified }: Fix, own: string): string {
  const designs = verified.map((one) => `${nameOf(one, own)} (${grouped(one.states)} states)`);
  const unreached = [...new Set(verified.flatMap(({ unreached }) => unreached))];
  const closed = unreached.length === 0 ? '' : ` No longer reached: ${listed(unreached.map((one) => `"${one}"`))}.`;
  return `Verified exhaustively in ${listed(designs)}.${closed}`;
}

const harm = ({ broken }: Fix): string =>
  broken.map((one) => `It does harm in ${code(`${one.scenario}/${one.variant}`)}: ${ascii(one.why)}.`).join(' ');

const orders = ({ addsOrders }: Fix): string =>
  addsOrders.length === 0
    ? 'It adds no lock order.'
    : `It adds these lock orders: ${listed(addsOrders.map((order) => `\`${order}\``))}.`;

const others = ({ mends }: Fix): string => (mends.length < 2 ? '' : `With it go ${listed(mends.map((id) => code(id)))}.`);
