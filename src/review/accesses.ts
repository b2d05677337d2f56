/**
 * Each access of kernel code to a field, with the locks that its thread holds there. What moves along in a step that is
 * about another object is counted where the field has steps of its own: a chart has none.
 */
import type { Meaning } from '../../actors/step.ts';
import type { Explored } from '../explore/plain-search.ts';
import type { Held } from '../model/held.ts';
import type { Position } from '../tables/program.ts';
import { groupBy } from './group.ts';
import { type Named, namesOf } from './names.ts';
import { type CodeSite, siteOf } from './site.ts';
import { AFTER_A_FINDING, apart, MET, NEVER, visit, type Visits } from './visits.ts';

export interface Access {
  readonly way: number;
  readonly field: Named;
  readonly thread: string;
  readonly kind: 'read' | 'write' | 'synchronises';
  /** Neither marked nor atomic. */
  readonly plain: boolean;
  readonly held: readonly Held[];
  /** It was met only after something had gone wrong. */
  readonly onlyAfter: boolean;
  readonly site: CodeSite;
}

/** A step in which a lock is taken or let go. */
export interface LockStep {
  readonly way: number;
  readonly position: Position;
  readonly thread: string;
  readonly lock: Named;
  readonly means: Meaning;
}

/** Everything that the states say, before anything is concluded from it. */
export interface Observed {
  readonly explored: Explored;
  /** No state was left out. */
  readonly isWhole: boolean;
  readonly visits: Visits;
  readonly names: readonly (Named | null)[];
  readonly accesses: readonly Access[];
  /** Those that were met while nothing was wrong. */
  readonly acquires: readonly LockStep[];
  readonly locks: ReadonlyMap<string, Named>;
  readonly siteOf: (position: Position) => CodeSite;
  /** The accesses of other threads to the same field that can be next at the same moment. */
  readonly beside: (access: Access) => readonly Access[];
}

export function observe(explored: Explored, isWhole: boolean): Observed {
  const { program } = explored;
  const names = namesOf(program);
  const said = program.ways.map(({ slots, means, main }) =>
    [...slots].map((slot, i) => ({ slot, means: means[i], isMain: i === main })),
  );
  const isLock = (means: Meaning | undefined) => means?.kind === 'acquire' || means?.kind === 'release';
  const cpus = new Set(said.flat().flatMap(({ slot, means }) => (means?.interrupt === true ? [slot] : [])));
  const lockSlots = new Set(said.flat().flatMap(({ slot, means }) => (isLock(means) && !cpus.has(slot) ? [slot] : [])));
  const ownSlots = new Set(said.flat().flatMap(({ slot, means, isMain }) => (isMain && means !== undefined ? [slot] : [])));
  const isField = (slot: number) => ownSlots.has(slot) && !lockSlots.has(slot) && !cpus.has(slot) && names[slot] !== null;
  const mainField = program.positions.map(({ firstWay, ways }) => {
    const slot = ways === 0 ? -1 : (said[firstWay]?.find(({ isMain }) => isMain)?.slot ?? -1);
    return slot >= 0 && isField(slot) ? slot : -1;
  });
  const visits = visit(explored, (position) => mainField[position] ?? -1);
  const sites = new Map<Position, CodeSite>();
  const observed = {
    explored,
    isWhole,
    visits,
    names,
    locks: new Map([...lockSlots].flatMap((slot) => (names[slot] ? [[names[slot].path, names[slot]]] : []))),
    siteOf: (position: Position): CodeSite => {
      let site = sites.get(position);
      if (site === undefined) sites.set(position, (site = siteOf(position)));
      return site;
    },
  };
  const accesses: Access[] = [];
  const acquires: LockStep[] = [];
  // The numbers of the positions depend on the search; what is concluded does not.
  for (const position of program.positions.toSorted((a, b) => a.thread - b.thread)) {
    const thread = program.world.threads[position.thread]?.name ?? '';
    for (let way = position.firstWay; way < position.firstWay + position.ways; way++) {
      const met = visits.ways[way] ?? NEVER;
      if (met === NEVER) continue;
      for (const { slot, means } of said[way] ?? []) {
        const name = names[slot] ?? null;
        if (means === undefined || name === null || means.kind === 'choose') continue;
        if (means.kind === 'acquire' && lockSlots.has(slot) && met === MET)
          acquires.push({ way, position, thread, lock: name, means });
        if (!isField(slot)) continue;
        accesses.push({
          way,
          field: name,
          thread,
          kind: kindOf(means),
          plain: means.plain !== undefined && means.plain !== false,
          held: position.held.filter(({ interrupt }) => !interrupt),
          onlyAfter: met === AFTER_A_FINDING,
          site: observed.siteOf(position),
        });
      }
    }
  }
  return { ...observed, accesses, acquires, beside: besideOf(accesses, visits) };
}

function besideOf(accesses: readonly Access[], { pairs }: Visits): Observed['beside'] {
  const at = groupBy(accesses, ({ way }) => way);
  const ways = new Map<number, number[]>();
  const add = (way: number, other: number) => {
    const known = ways.get(way);
    if (known === undefined) ways.set(way, [other]);
    else known.push(other);
  };
  for (const pair of pairs) {
    const [one, other] = apart(pair);
    add(one, other);
    add(other, one);
  }
  return ({ way, field }) =>
    (ways.get(way) ?? []).flatMap((other) => at.get(other) ?? []).filter((access) => access.field.path === field.path);
}

function kindOf({ kind }: Meaning): Access['kind'] {
  if (kind === 'wait' || kind === 'signal') return 'synchronises';
  return kind === 'read' ? 'read' : 'write';
}
