/** Which lock guards which field, as a table, with what breaks each rule and the assertion that would hold it up. */
import type { Block } from '../../document/document.ts';
import type { AccessSite, GuardedField, Rule } from '../../review/guarded-by.ts';
import { count, listed } from '../layout.ts';
import type { PlaceOf } from '../places.ts';
import { bullets, type Differing, differingTable, paragraph, type Told } from './as-before.ts';
import { address, at, calls, code } from './spell.ts';

/** Two threads access it, somebody writes it, and some lock or none is there for it. */
export const needsLock = (field: GuardedField): boolean => aside(field) === null;

const isAtomic = ({ writes, reads }: GuardedField): boolean => [...writes.sites, ...reads.sites].every(({ plain }) => !plain);

/** Everything that the section says of each field. */
export const toldOfFields = (fields: readonly GuardedField[], placeOf: PlaceOf): Told =>
  new Map(
    fields.map((field) => [
      field.field,
      JSON.stringify([rowOf(field), breaking(field, placeOf), unguarded(field), aside(field), field.onlyAfter]),
    ]),
  );

export function guardedByBlocks(fields: readonly GuardedField[], differing: Differing, placeOf: PlaceOf): readonly Block[] {
  const shared = fields.filter(needsLock);
  const shown = shared.filter(({ field }) => differing.has(field));
  return [
    ...differingTable(differing, {
      head: ['field', 'writes', 'reads'],
      rows: shared.map(rowOf),
      none: 'No field is shared, and written plainly or under a lock.',
    }),
    ...titled(
      'Accesses without the lock that the others hold:',
      shown.flatMap((field) => breaking(field, placeOf)),
    ),
    ...titled('Written plainly, by no lock in common:', shown.flatMap(unguarded)),
    ...(shown.some(isReduced) ? [paragraph(NOT_ASKED)] : []),
    ...rest(fields.filter(({ field }) => differing.has(field))),
  ];
}

const titled = (title: string, items: readonly string[]): readonly Block[] =>
  items.length === 0 ? [] : [paragraph(title), ...bullets(items)];

const rowOf = (field: GuardedField): readonly string[] => [
  code(field.field),
  ruleText(field.writes, field),
  ruleText(field.reads, field),
];

function ruleText({ sites, locks, broken }: Rule, field: GuardedField): string {
  if (sites.length === 0) return 'none';
  const some = `${count(sites.length, 'site')}${isAtomic(field) ? ', marked or atomic' : ''}`;
  if (locks.length === 0) return `${sites.some(({ held }) => held.length > 0) ? 'no lock in common' : 'no lock'} (${some})`;
  const under = `under ${listed(locks.map(address))}`;
  return broken === 0 ? `${under} (${some})` : `${under}, but for ${broken} of ${some}`;
}

function breaking(field: GuardedField, placeOf: PlaceOf): readonly string[] {
  const sites = (rule: Rule, does: string) =>
    rule.sites
      .filter(({ breaks }) => breaks)
      .map((site) => {
        const holds = site.held.length === 0 ? 'with no lock held' : `under ${listed(site.held.map(address))}`;
        return `${code(field.field)} is ${does} by ${calls([site.function])} ${holds}${at(site.place, placeOf)}.${meeting(site)}`;
      });
  return [...sites(field.writes, 'written'), ...sites(field.reads, 'read')];
}

/** Whether it matters: somebody else can be at the field at the same moment, and one of the two writes. */
function meeting({ meets }: AccessSite): string {
  if (meets === null) return '';
  if (meets.length === 0) return ' No access that conflicts with it is ever next at the same moment.';
  return ` In another thread ${calls(meets)} can be next at the same moment.`;
}

function unguarded(field: GuardedField): readonly string[] {
  if (field.writes.locks.length > 0) return [];
  const sites = [...field.writes.sites, ...field.reads.sites];
  const met = sites.filter(({ meets }) => meets !== null && meets.length > 0).map((site) => site.function);
  const meets = sites.some((site) => site.meets === null)
    ? ''
    : met.length === 0
      ? ': no two accesses that conflict are ever next at one moment'
      : `: accesses in ${calls(met)} can be next at one moment`;
  return [`${code(field.field)}, written by ${calls(field.writes.sites.map((site) => site.function))}${meets}.`];
}

/** Said once, and not of each access. */
const isReduced = ({ writes, reads }: GuardedField): boolean =>
  [...writes.sites, ...reads.sites].some(({ meets }) => meets === null);
const NOT_ASKED =
  'The search was reduced, which does not keep what is side by side: whether two threads can be at these at one moment was not asked.';

/** Why a field needs no lock. Of what is marked or atomic throughout, a lock at most of the accesses is no rule. */
function aside(field: GuardedField): string | null {
  const { single, synchronises, writes, reads } = field;
  if (synchronises) return 'Waited for and signalled';
  if (single) return 'Accessed by one thread only';
  if (writes.sites.length === 0) return 'Never written in this scenario';
  const isRule = writes.locks.length > 0 && writes.broken + reads.broken === 0;
  return isAtomic(field) && !isRule ? 'Marked or atomic throughout, and guarded by no lock' : null;
}

function rest(fields: readonly GuardedField[]): readonly Block[] {
  const whys = [...new Set(fields.map(aside))].filter((why) => why !== null).toSorted();
  const after = fields
    .filter(({ onlyAfter }) => onlyAfter > 0)
    .map(({ field, onlyAfter }) => `${count(onlyAfter, 'site')} of ${code(field)}`);
  return titled('The other fields:', [
    ...whys.map((why) => {
      const names = fields.filter((field) => aside(field) === why).map(({ field }) => code(field));
      return `${why}: ${names.join(', ')}.`;
    }),
    ...(after.length === 0 ? [] : [`Met only after a finding, and not counted: ${after.join(', ')}.`]),
  ]);
}

/** By lock, the assertion that a maintainer would add, and where it would fire. */
export function assertions(fields: readonly GuardedField[], isShareable: (lock: string) => boolean): readonly string[] {
  const guarded = fields.filter(needsLock);
  const locks = [...new Set(guarded.flatMap(({ writes }) => writes.locks))].toSorted();
  return locks.map((lock) => {
    const here = guarded.filter(({ writes }) => writes.locks.includes(lock));
    const fires = here.flatMap(({ writes }) => writes.sites.filter(({ breaks }) => breaks).map((site) => site.function));
    const assertion = `lockdep_assert_held${isShareable(lock) ? '_write' : ''}(&${lock})`;
    const where = `where ${listed(here.map(({ field }) => code(field)))} ${here.length === 1 ? 'is' : 'are'} written`;
    return `${code(assertion)} ${where}${fires.length === 0 ? '' : `; it would fire in ${calls(fires)}`}.`;
  });
}
