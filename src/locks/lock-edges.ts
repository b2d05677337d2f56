/**
 * Which lock is asked for while which is held, from all places to which a search has come. A place is enough: what a thread
 * holds and asks for there depends on nobody else, so a reduced search knows all of them, too.
 *
 * A trylock asks for nothing that it would wait for, so that no edge leads to what it takes; what it has taken is held like
 * any other. `held` and `check` of lockdep: it keeps only the edge from the last lock taken, as the others follow from
 * it; here all are kept, so that a circle of two shows as a circle of two.
 */
import type { Meaning } from '../../actors/step.ts';
import { blocks, type Held } from '../model/held.ts';
import { plainName } from '../model/names.ts';
import { type Frame, framesOf, functionsOf } from '../model/stack.ts';
import type { Position, Program } from '../tables/program.ts';
import { type LockClass, LockClasses } from './lock-class.ts';

/** A thread that holds one lock stands before an acquire of another. */
export interface Attempt {
  /** Its number, and what it is. */
  readonly id: number;
  readonly position: Position;
  /** The two locks, by path, and the kernel's name of the acquire. */
  readonly holds: string;
  readonly takes: string;
  readonly event: string;
}

export interface LockEdge {
  readonly from: LockClass;
  readonly to: LockClass;
  /** How the one is held and the other asked for. */
  readonly holdsShared: boolean;
  readonly takesShared: boolean;
  /** The reader that is asked for may nest. */
  readonly recursive: boolean;
  /** The lock that is held was had by trying. */
  readonly tried: boolean;
  readonly attempts: readonly Attempt[];
}

/** An attempt as a report names it. */
export interface LockSite {
  readonly thread: string;
  /** Outermost first, without the acquire itself. */
  readonly functions: readonly string[];
  readonly place: Frame | null;
  readonly holds: string;
  readonly takes: string;
  readonly event: string;
  /** All that is held there, by path. */
  readonly held: readonly string[];
}

/** An acquire that a position stands before. */
export interface Asked {
  readonly path: string;
  readonly means: Meaning;
  readonly event: string;
}

/** @param positions those that count, by number; all that are known, unless it is said */
export function lockEdges(program: Program, positions: Iterable<number> = program.positions.keys()): readonly LockEdge[] {
  const classes = new LockClasses(program.world);
  const edges = new Map<string, LockEdge & { readonly attempts: Attempt[] }>();
  for (const id of positions) {
    const position = program.positions[id] as Position;
    if (position.held.length === 0) continue;
    for (const asked of acquiresAt(program, position).filter(({ means }) => blocks(means)))
      for (const held of position.held) {
        const edge = edgeOf(classes, held, asked, position);
        if (edge === null) continue;
        const key = [edge.from.key, edge.to.key, edge.holdsShared, edge.takesShared, edge.recursive, edge.tried].join(' ');
        const known = edges.get(key) ?? { ...edge, attempts: [] };
        edges.set(key, known);
        known.attempts.push({ id, position, holds: held.object, takes: asked.path, event: asked.event });
      }
  }
  return [...edges].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge);
}

/** The acquires among the ways of a step. */
export const acquiresAt = (program: Program, { firstWay, ways }: Position): readonly Asked[] =>
  program.ways.slice(firstWay, firstWay + ways).flatMap(({ means: meanings, slots, events }) =>
    meanings.flatMap((means, i) => {
      if (means?.kind !== 'acquire' || means.interrupt === true) return [];
      const slot = slots[i] as number;
      return [
        {
          path: program.world.slots[slot]?.path ?? '',
          means,
          event: program.tables[slot]?.events[events[i] as number]?.type ?? '',
        },
      ];
    }),
  );

function edgeOf(classes: LockClasses, held: Held, { path, means }: Asked, position: Position): Omit<LockEdge, 'attempts'> | null {
  if (held.interrupt) return null;
  const from = classes.of(held.object, held.subclass);
  const to = classes.of(path, means.subclass ?? 0);
  if (from === null || to === null) return null;
  const holdsShared = held.mode === 'shared';
  const takesShared = means.mode === 'shared';
  const recursive = takesShared && means.recursive === true;
  if (from.key === to.key) {
    // Who holds the very lock and cannot have it again waits for itself, which is a finding of its own.
    if (held.object === path && !(holdsShared && takesShared)) return null;
    if (recursive && holdsShared) return null;
    if (means.nest !== undefined && position.held.some(({ object }) => object === means.nest)) return null;
  }
  return { from, to, holdsShared, takesShared, recursive, tried: held.try };
}

/** Where the attempts of an edge are made, each place once. */
export function sitesOf(program: Program, { attempts }: Pick<LockEdge, 'attempts'>): readonly LockSite[] {
  const sites = new Map<string, LockSite>();
  for (const attempt of attempts) {
    const site = siteOf(program, attempt);
    sites.set(JSON.stringify(site), site);
  }
  return [...sites].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, site]) => site);
}

export function siteOf(program: Program, { position, holds, takes, event }: Attempt): LockSite {
  const stack = position.step?.stack() ?? '';
  const isOpen = (name: string) => name !== event;
  return {
    thread: program.world.threads[position.thread]?.name ?? '',
    functions: functionsOf(stack).filter(isOpen),
    place: framesOf(stack).find((frame) => isOpen(frame.function)) ?? null,
    holds: plainName(holds),
    takes: plainName(takes),
    event,
    held: position.held.filter(({ interrupt }) => !interrupt).map(({ object }) => plainName(object)),
  };
}
