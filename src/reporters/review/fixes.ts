/** Small changes that mend a finding: what each is, as a patch would show it, and what was explored to say so. */
import type { Block } from '../../document/document.ts';
import type { Scenario } from '../../model/scenario.ts';
import type { Broken, Fix, FixSearch } from '../../edits/fixes/fix.ts';
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
      'Each change was put into the model of the code, and every design that runs this code was explored again: the finding is gone, nothing has come that was not there before, and callers still get what they got. Only calls that exist are used. Whether a function may know the lock that it is to take, the model cannot say. Of each kind the smallest that holds is shown, and no larger one is tried.',
    ),
    ...searches.flatMap((search) => ofFinding(search, scenario)),
  ];
}

type Of = Pick<Scenario, 'name' | 'question'>;

function ofFinding({ finding, message, variant, fixes, candidates, stopped }: FixSearch, scenario: Of): readonly Block[] {
  const whole = fixes.filter(({ broken }) => broken.length === 0);
  const partly = partlyGood(fixes, whole, scenario).slice(0, MOST_PARTLY);
  const held = `${['none holds', 'one holds'][whole.length] ?? `${whole.length} hold`} in every design that runs the code`;
  const bound = stopped === null ? '' : ` It was stopped before all were tried: ${stopped}.`;
  return [
    { kind: 'heading', level: 2, text: `${code(finding)} in ${code(variant)}` },
    paragraph(
      `${withCode(ascii(message))}. ${candidates === 0 ? 'There was no small change to try' : `${count(candidates, 'small change')} came into question: ${held}`}.${bound}`,
    ),
    ...whole.flatMap((fix) => ofFix(fix, scenario)),
    ...(partly.length === 0
      ? []
      : [
          paragraph('These mend it here, and not where the code is run otherwise:'),
          ...partly.flatMap((fix) => ofFix(fix, scenario)),
        ]),
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
    paragraph(
      [restsOn(fix, scenario.name), harm(fix, scenario.name), orders(fix), others(fix)].filter((said) => said !== '').join(' '),
    ),
  ];
}

function sentence({ says, size, kind }: Fix, { question }: Of): string {
  const merged = question?.mergedKind === kind ? ', which is the kind of change that was merged' : '';
  return `${withCode(beginning(says))} (${kind}; ${count(size, 'statement')}${merged}).`;
}

/** A name of C does not begin with a capital, wherever it stands. */
const beginning = (says: string): string =>
  /^[a-z]+ /.test(says) ? `${says.charAt(0).toUpperCase()}${says.slice(1)}` : `Do ${says}`;

const nameOf = ({ scenario, variant }: Pick<Broken, 'scenario' | 'variant'>, own: string): string =>
  code(scenario === own ? variant : `${scenario}/${variant}`);

function restsOn({ verified }: Fix, own: string): string {
  const designs = verified.map((one) => `${nameOf(one, own)} (${grouped(one.states)} states)`);
  const unreached = [...new Set(verified.flatMap(({ unreached }) => unreached))];
  const closed = unreached.length === 0 ? '' : ` No longer reached: ${listed(unreached.map((one) => `"${one}"`))}.`;
  return `Verified exhaustively in ${listed(designs)}.${closed}`;
}

const harm = ({ broken }: Fix, own: string): string =>
  broken.map((one) => `It does harm in ${nameOf(one, own)}: ${ascii(one.why)}.`).join(' ');

const orders = ({ addsOrders }: Fix): string =>
  addsOrders.length === 0
    ? 'It adds no lock order.'
    : `It adds these lock orders: ${listed(addsOrders.map((order) => `\`${order}\``))}.`;

const others = ({ mends }: Fix): string => (mends.length < 2 ? '' : `With it go ${listed(mends.map((id) => code(id)))}.`);
