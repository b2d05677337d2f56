/**
 * Which lock guards which field, by the locks that are held at each access that some run makes while nothing is wrong.
 *
 * A lock counts where two threads hold it at accesses to one and the same field, and where it is one and the same lock:
 * to hold what nobody else takes, or the lock of another object, excludes nobody. What is concluded is said of classes,
 * as a reviewer speaks.
 */
import type { Held } from '../model/held.ts';
import type { Access, Observed } from './accesses.ts';
import { groupBy, unique } from './group.ts';
import { inSourceOrder, placeKey, type Place } from './site.ts';

/** Accesses from one line of one function with the same locks. */
export interface AccessSite {
  readonly function: string;
  readonly event: string;
  readonly place: Place | null;
  readonly threads: readonly string[];
  readonly plain: boolean;
  /** Classes, the shared ones with `(shared)`. */
  readonly held: readonly string[];
  /** It does not hold what the rule says. */
  readonly breaks: boolean;
  /**
   * The functions of other threads that can be at an access to the same field at the same moment, one of the two a write;
   * null where the search was reduced, which does not keep what is side by side.
   */
  readonly meets: readonly string[] | null;
}

/** What is held at the accesses of one kind. */
export interface Rule {
  readonly sites: readonly AccessSite[];
  /** The locks of the rule, by class. */
  readonly locks: readonly string[];
  /** How many of the sites do not hold them. */
  readonly broken: number;
}

export interface GuardedField {
  readonly field: string;
  readonly type: string;
  readonly threads: readonly string[];
  /** No object of the struct has the field accessed by two threads. */
  readonly single: boolean;
  /** It is waited for and signalled: it needs no lock to be read and written. */
  readonly synchronises: boolean;
  readonly writes: Rule;
  readonly reads: Rule;
  /** The sites that were met only after a finding: nothing is concluded from them. */
  readonly onlyAfter: number;
}

export function guardedBy(observed: Observed): readonly GuardedField[] {
  const byField = groupBy(observed.accesses, ({ field }) => field.class);
  return [...byField]
    .filter(([, all]) => all.some(({ onlyAfter }) => !onlyAfter))
    .map(([, all]) => guarded(observed, all))
    .toSorted((a, b) => (a.field < b.field ? -1 : 1));
}

function guarded(observed: Observed, all: readonly Access[]): GuardedField {
  const met = all.filter(({ onlyAfter }) => !onlyAfter);
  const writes = met.filter(({ kind }) => kind === 'write');
  const reads = met.filter(({ kind }) => kind === 'read');
  const shared = locksOfSeveral(met);
  const toRead = lockHeld(observed, shared, 'shared');
  const isUsual = (name: string) => 2 * brokenBy([...writes, ...reads], toRead, name) < siteCount([...writes, ...reads]);
  const written = ruleOfWrites(writes, lockHeld(observed, shared, 'exclusive'), isUsual);
  const read = ruleOfReads(reads, toRead, written.locks);
  const { field } = met[0] as Access;
  const sitesOf = (accesses: readonly Access[], breaking: ReadonlySet<Access>) => accessSites(observed, accesses, breaking);
  return {
    field: field.class,
    type: field.type,
    threads: unique(met.map(({ thread }) => thread)),
    single: [...groupBy(met, (access) => access.field.path).values()].every(
      (accesses) => new Set(accesses.map(({ thread }) => thread)).size === 1,
    ),
    synchronises: met.some(({ kind }) => kind === 'synchronises'),
    writes: { ...rule(written), sites: sitesOf(writes, written.breaking) },
    reads: { ...rule(read), sites: sitesOf(reads, read.breaking) },
    onlyAfter: siteCount(all) - siteCount(met),
  };
}

type LocksAt = (access: Access) => ReadonlyMap<string, string>;

/** By field, the locks that several threads hold at their accesses to it. */
function locksOfSeveral(accesses: readonly Access[]): ReadonlyMap<string, ReadonlySet<string>> {
  const fields = groupBy(accesses, ({ field }) => field.path);
  return new Map(
    [...fields].map(([path, same]) => {
      const pairs = unique(same.flatMap(({ held, thread }) => held.map(({ object }) => `${object} ${thread}`)));
      const threads = groupBy(pairs, (pair) => pair.slice(0, pair.indexOf(' ')));
      return [path, new Set([...threads].filter(([, each]) => each.length > 1).map(([lock]) => lock))];
    }),
  );
}

/** By path, the class of each lock that suffices: to write, what others hold shared does not. */
const lockHeld =
  ({ locks }: Observed, several: ReadonlyMap<string, ReadonlySet<string>>, mode: Held['mode']): LocksAt =>
  ({ held, field }) =>
    new Map(
      held
        .filter((lock) => several.get(field.path)?.has(lock.object) && (mode === 'shared' || lock.mode === 'exclusive'))
        .map(({ object }) => [object, locks.get(object)?.class ?? object]),
    );

interface Concluded {
  readonly locks: readonly string[];
  readonly breaking: ReadonlySet<Access>;
}

const rule = ({ locks, breaking }: Concluded): Pick<Rule, 'locks' | 'broken'> => ({
  locks,
  broken: siteCount(breaking),
});

const NOTHING: Concluded = { locks: [], breaking: new Set() };

/** All classes that are held throughout; else the one that is held at most of them, or at most of all accesses. */
function ruleOfWrites(writes: readonly Access[], locksAt: LocksAt, isUsual: (name: string) => boolean): Concluded {
  const sites = siteCount(writes);
  return (
    wholeRule(writes, locksAt) ?? best(writes, locksAt, (name, broken) => broken < sites && (2 * broken < sites || isUsual(name)))
  );
}

/** All classes that are held throughout; else, of those of the writes, the one that is held the most. */
function ruleOfReads(reads: readonly Access[], locksAt: LocksAt, ofWrites: readonly string[]): Concluded {
  const whole = wholeRule(reads, locksAt);
  if (whole !== null) return whole;
  const sites = siteCount(reads);
  const rule = best(reads, locksAt, (name, broken) => broken < sites && ofWrites.includes(name));
  return rule.locks.length > 0 || ofWrites.length === 0 ? rule : { locks: [], breaking: new Set(reads) };
}

const classesAt = (accesses: readonly Access[], locksAt: LocksAt): readonly string[] =>
  unique(accesses.flatMap((access) => [...locksAt(access).values()])).toSorted();

const siteCount = (accesses: Iterable<Access>): number => new Set([...accesses].map(siteKey)).size;

const brokenBy = (accesses: readonly Access[], locksAt: LocksAt, name: string): number =>
  siteCount(breakersOf(accesses, locksAt, name));

function wholeRule(accesses: readonly Access[], locksAt: LocksAt): Concluded | null {
  const locks = classesAt(accesses, locksAt).filter((name) => brokenBy(accesses, locksAt, name) === 0);
  return locks.length === 0 ? null : { locks, breaking: new Set() };
}

function best(accesses: readonly Access[], locksAt: LocksAt, isRule: (name: string, broken: number) => boolean): Concluded {
  const [name] = classesAt(accesses, locksAt)
    .filter((each) => isRule(each, brokenBy(accesses, locksAt, each)))
    .toSorted((a, b) => brokenBy(accesses, locksAt, a) - brokenBy(accesses, locksAt, b));
  return name === undefined ? NOTHING : { locks: [name], breaking: breakersOf(accesses, locksAt, name) };
}

/** For each field, the lock of that class that guards it at most of the accesses; those that do not hold it. */
function breakersOf(accesses: readonly Access[], locksAt: LocksAt, name: string): ReadonlySet<Access> {
  const breaking = new Set<Access>();
  for (const same of groupBy(accesses, ({ field }) => field.path).values()) {
    const held = same.map((access) => [...locksAt(access)].filter(([, lock]) => lock === name).map(([path]) => path));
    const count = (path: string) => held.filter((paths) => paths.includes(path)).length;
    const paths = unique(held.flat()).toSorted((a, b) => count(b) - count(a));
    for (const [i, access] of same.entries()) if (!held[i]?.includes(paths[0] ?? '')) breaking.add(access);
  }
  return breaking;
}

const heldKey = ({ held }: Access): string => held.map(({ object, mode }) => `${object} ${mode}`).join();
const siteKey = (access: Access): string => `${access.kind}|${placeKey(access.site)}|${access.plain}|${heldKey(access)}`;

function accessSites(observed: Observed, accesses: readonly Access[], breaking: ReadonlySet<Access>): readonly AccessSite[] {
  return [...groupBy(accesses, siteKey).values()]
    .map((same): AccessSite => {
      const [{ site, plain, held }] = same;
      return {
        function: site.function,
        event: site.event,
        place: site.place,
        threads: unique(same.map(({ thread }) => thread)),
        plain,
        held: held
          .map(({ object, mode }) => `${observed.locks.get(object)?.class ?? object}${mode === 'shared' ? ' (shared)' : ''}`)
          .toSorted(),
        breaks: same.some((access) => breaking.has(access)),
        meets: meetsOf(observed, same),
      };
    })
    .toSorted((a, b) => inSourceOrder(a, b) || (a.held.join() < b.held.join() ? -1 : 1));
}

function meetsOf({ beside, isWhole }: Observed, accesses: readonly Access[]): AccessSite['meets'] {
  if (!isWhole) return null;
  const met = accesses.flatMap((access) =>
    beside(access)
      .filter((other) => access.kind === 'write' || other.kind === 'write')
      .map(({ site }) => site.function),
  );
  return unique(met).toSorted();
}
