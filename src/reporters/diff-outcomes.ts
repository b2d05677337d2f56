/** What the runs of two designs come out with, and whether that of the second is what its calls do one after the other. */
import type { Diff } from '../diff/diff.ts';
import type { NeverAlike, OnlyHere } from '../diff/outcomes.ts';
import type { Block } from '../document/document.ts';
import { clauseOf } from '../explore/serial-outcome.ts';
import { code, heading, list, paragraph } from './blocks.ts';
import { spellOperation } from './finding-text.ts';
import { count, grouped } from './layout.ts';

/** How much of a list is written out: the JSON has all of it. */
const MOST = 8;

export function outcomeBlocks({ checks: [a, b], outcomes }: Diff): readonly Block[] {
  if (typeof outcomes === 'string') return [heading('Outcomes'), paragraph(`Not compared: ${outcomes}.`)];
  const { counts, only, neverAlike } = outcomes;
  const [onlyA, onlyB] = only;
  const silent = [...(counts.a === 0 ? [a.variant] : []), ...(counts.b === 0 ? [b.variant] : [])];
  if (silent.length > 0)
    return [
      heading('Outcomes'),
      paragraph(`There is nothing to compare: no run of ${silent.join(' or ')} comes to its end with nothing found before it.`),
    ];
  return [
    heading('Outcomes'),
    paragraph(
      `Of runs that come to their end with nothing found before it: ${grouped(counts.a)} of ${a.variant}, ${grouped(counts.b)} of ${b.variant}. ${shared(counts, a.variant, b.variant)} ${compared(outcomes)}`,
    ),
    ...onlyIn(a.variant, b.variant, onlyA),
    ...onlyIn(b.variant, a.variant, onlyB),
    ...never(neverAlike, [a.variant, b.variant]),
    ...notCompared(outcomes.notCompared, [a.variant, b.variant]),
  ];
}

type Outcomes = Exclude<Diff['outcomes'], string>;

function shared({ a: ofA, b: ofB, both }: Outcomes['counts'], a: string, b: string): string {
  if (ofA === both && ofB === both) return 'They are the same.';
  return `${grouped(both)} of ${a} ${both === 1 ? 'is' : 'are'} also of ${b}.`;
}

function compared({ compared: places }: Outcomes): string {
  const calls = places.filter(({ of }) => of === 'call').length;
  return `Compared: what ${count(calls, 'call')} ${calls === 1 ? 'returns' : 'return'}, and what ${count(places.length - calls, 'part')} of objects ${places.length - calls === 1 ? 'holds' : 'hold'}, that both have.`;
}

function onlyIn(here: string, there: string, only: readonly OnlyHere[]): readonly Block[] {
  if (only.length === 0) return [];
  return [paragraph(`Only in ${here}:`), ...some(only.map((each) => onlyHere(each, there)))];
}

function onlyHere({ place, of, here, there: nearest, outcomes }: OnlyHere, there: string): string {
  const times = outcomes === 1 ? '' : ` (${grouped(outcomes)} outcomes)`;
  const other = nearest === null ? '' : `; in the nearest of ${there} it ${clauseOf(of, nearest)}`;
  return `${code(place)} ${clauseOf(of, here)}${other}${times}.`;
}

function never(places: readonly NeverAlike[], [a, b]: readonly [string, string]): readonly Block[] {
  if (places.length === 0) return [];
  return [
    paragraph('Never alike, so compared no further:'),
    ...some(
      places.map(({ place, of, values: [inA, inB] }) => `${code(place)} ${said(of, inA)} in ${a}, ${said(of, inB)} in ${b}.`),
    ),
  ];
}

const said = (of: NeverAlike['of'], values: readonly string[]): string => values.map((value) => clauseOf(of, value)).join(' or ');

function notCompared([inA, inB]: Outcomes['notCompared'], [a, b]: readonly [string, string]): readonly Block[] {
  const part = (names: readonly string[], where: string) =>
    names.length === 0 ? [] : [`only in ${where}, ${count(names.length, 'place')}: ${someNames(names)}`];
  const parts = [...part(inA, a), ...part(inB, b)];
  return parts.length === 0 ? [] : [paragraph(`Not compared, for the other has no such: ${parts.join('; ')}.`)];
}

const someNames = (names: readonly string[]): string => {
  const shown = names.slice(0, MOST).map(code).join(', ');
  return names.length > MOST ? `${shown} and ${names.length - MOST} more` : shown;
};

const some = (items: readonly string[]): readonly Block[] =>
  list(items.length <= MOST ? items : [...items.slice(0, MOST), `And ${items.length - MOST} more.`]);

export function serialBlocks({ checks: [, b], cuts, serial }: Diff): readonly Block[] {
  if (serial === null) return [];
  const { verdict, findings } = serial;
  const { notApplicable, cut, outcomes, serialOutcomes, someNeverEnd } = verdict;
  const title = heading(`Is ${b.variant} serialisable?`);
  const isAsked = (b.scenario.variants[b.variant]?.serialisable ?? null) !== null;
  const soFar = cuts[1] === null ? '' : ', as far as it was searched';
  if (cut !== null) return [title, paragraph(`Not compared with orders of whole calls: cut at ${cut}.`)];
  if (notApplicable !== null) return [title, paragraph(`Not applicable: ${notApplicable}.`)];
  const stuck = someNeverEnd ? ' Orders in which a call waits for ever have no outcome.' : '';
  const sizes = `${count(outcomes, 'outcome')} of all interleavings, ${grouped(serialOutcomes)} of every order of whole calls.${stuck}`;
  if (findings.length === 0)
    return [title, paragraph(`Yes${soFar}: what comes of it comes of its calls in some order. ${sizes}`)];
  return [
    title,
    paragraph(`Not all of it. ${sizes} What no order gives, by what first differs from the nearest:`),
    ...some(
      findings.map(({ message, serial: nearest }) => {
        const order = nearest === null ? '' : ` That order: ${nearest.order.map(spellOperation).join(', ')}.`;
        return `${message.replace(/^No order of whole operations ends like this: /, '')}.${order}`;
      }),
    ),
    ...(isAsked
      ? []
      : [
          paragraph(
            'The scenario does not ask for it, and not each of these is a fault: who is refused by a trylock, or goes by what it read before it waited, comes out otherwise than in any order.',
          ),
        ]),
  ];
}
