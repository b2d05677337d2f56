/**
 * Generated programs of nothing but locks, and what comes of them by playing every schedule on a few arrays: which lock is
 * asked for under which, and which threads end up waiting for each other.
 */
import { fc } from '@fast-check/ava';
import type { Operation } from '../../actors/step.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { spin_lock, spin_unlock } from '../../actors/sync/spinlock.ts';
import { type Handle, struct } from '../../machines/object.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { type Spinlock, spinlock } from '../../machines/sync/spinlock.ts';
import { call, type Variant, variant } from '../../src/index.ts';

const node = struct('node', { lock: mutex() });
const leaf = struct('leaf', { lock: mutex(), spin: spinlock() });
const root = struct('root', { lock: mutex() });

/** Two of them are of one class. The last is a spinlock. */
export const LOCKS = ['&node->lock', '&node->lock', '&leaf->lock', '&root->lock', '&leaf->spin'] as const;
const SPIN = 4;

export interface Take {
  readonly lock: number;
  /** Where it is not to be had, what is taken under it is left out, too. */
  readonly tries: boolean;
}
/** Taken one under the other, and let go of in the other order; or all but the first. */
export interface Section {
  readonly takes: readonly Take[];
  readonly keeps: boolean;
}
export type Program = readonly (readonly Section[])[];

const take: fc.Arbitrary<Take> = fc.record({
  lock: fc.oneof({ weight: 6, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.constant(SPIN) }),
  tries: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const section: fc.Arbitrary<Section> = fc.record({
  takes: fc.uniqueArray(take, { minLength: 1, maxLength: 3, selector: ({ lock }) => lock }),
  keeps: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
export const programs: fc.Arbitrary<Program> = fc.array(fc.array(section, { minLength: 1, maxLength: 2 }), {
  minLength: 2,
  maxLength: 3,
});

interface Locks {
  readonly mutexes: readonly Handle<Mutex>[];
  readonly spin: Handle<Spinlock>;
}

function* run({ mutexes, spin }: Locks, sections: readonly Section[]): Operation {
  for (const { takes, keeps } of sections) {
    const held: number[] = [];
    for (const { lock, tries } of takes) {
      const mutex = mutexes[lock] as Handle<Mutex>;
      if (lock === SPIN) yield* spin_lock(spin);
      else if (!tries) yield* mutex_lock(mutex);
      else if (!(yield* mutex_trylock(mutex))) break;
      held.push(lock);
    }
    for (const lock of held.slice(keeps ? 1 : 0).toReversed())
      yield* lock === SPIN ? spin_unlock(spin) : mutex_unlock(mutexes[lock] as Handle<Mutex>);
    if (keeps) return;
  }
}

export const variantOf = (program: Program): Variant =>
  variant({
    objects: { a: node, b: node, leaf, root },
    threads: ({ a, b, leaf, root }) =>
      Object.fromEntries(
        program.map((sections, i) => [
          `t${i}`,
          [call(run, { mutexes: [a.lock, b.lock, leaf.lock, root.lock], spin: leaf.spin } as Locks, sections)],
        ]),
      ),
    expect: [],
  });

/** The acquires and releases of a thread, as far as they have come. */
interface Stand {
  readonly section: number;
  readonly held: readonly number[];
  readonly next: number;
  /** It takes nothing more in this section. */
  readonly goesBack: boolean;
  readonly ended: boolean;
}
type State = readonly Stand[];

export interface Played {
  /** `class -> class`. */
  readonly edges: ReadonlySet<string>;
  /** The classes of the locks that threads wait for in a ring, in order of the alphabet. */
  readonly rings: ReadonlySet<string>;
  /** Somebody asks for a mutex under the spinlock; somebody ends with a lock. */
  readonly sleeps: boolean;
  readonly keeps: boolean;
}

/** Plays every schedule. */
export function play(program: Program): Played {
  const edges = new Set<string>();
  const rings = new Set<string>();
  let sleeps = false;
  let keeps = false;
  const begin: State = program.map(() => ({ section: 0, held: [], next: 0, goesBack: false, ended: false }));
  const seen = new Set([JSON.stringify(begin)]);
  const open = [begin];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const taken = new Set(state.flatMap(({ held }) => held));
    const asked = state.map((stand, i) => askedBy(program[i] as readonly Section[], stand));
    const waits = asked.map((take) => (take !== null && blocks(take) && taken.has(take.lock) ? take.lock : null));
    for (const [i, { held, ended }] of state.entries()) {
      const take = asked[i];
      keeps ||= ended && held.length > 0;
      if (!take || !blocks(take)) continue;
      for (const one of held) edges.add(`${LOCKS[one]} -> ${LOCKS[take.lock]}`);
      sleeps ||= take.lock !== SPIN && held.includes(SPIN);
    }
    for (const ring of ringsAmong(waits, state)) rings.add(ring);
    for (const [i, stand] of state.entries()) {
      if (stand.ended || waits[i] !== null) continue;
      const next = state.map((old, j) => (j === i ? goOn(program[i] as readonly Section[], stand, taken) : old));
      const key = JSON.stringify(next);
      if (!seen.has(key)) open.push(next);
      seen.add(key);
    }
  }
  return { edges, rings, sleeps, keeps };
}

const blocks = ({ lock, tries }: Take): boolean => !tries || lock === SPIN;

const askedBy = (sections: readonly Section[], { section, next, goesBack, ended }: Stand): Take | null =>
  ended || goesBack ? null : (sections[section]?.takes[next] ?? null);

function goOn(sections: readonly Section[], stand: Stand, taken: ReadonlySet<number>): Stand {
  const { takes, keeps } = sections[stand.section] as Section;
  const asked = askedBy(sections, stand);
  const refused = asked !== null && !blocks(asked) && taken.has(asked.lock);
  const held = asked === null ? stand.held.slice(0, -1) : refused ? stand.held : [...stand.held, asked.lock];
  const next = asked === null ? stand.next : stand.next + 1;
  const goesBack = stand.goesBack || refused || next === takes.length;
  if (!goesBack || held.length > (keeps ? 1 : 0)) return { ...stand, held, next, goesBack };
  if (keeps || stand.section + 1 === sections.length) return { ...stand, held, ended: true };
  return { section: stand.section + 1, held: [], next: 0, goesBack: false, ended: false };
}

const classOf = (lock: number | null | undefined): string => LOCKS[lock ?? -1] ?? '';

/** Distinct threads, each waiting for a lock that the next one holds. */
function ringsAmong(waits: readonly (number | null)[], state: State): readonly string[] {
  const found: string[] = [];
  const follow = (path: readonly number[]): void => {
    const lock = waits[path.at(-1) as number] as number;
    for (const [next, { held }] of state.entries()) {
      if (!held.includes(lock) || waits[next] === null) continue;
      if (next === path[0] && path.length > 1)
        found.push([...new Set(path.map((thread) => classOf(waits[thread])))].toSorted().join(' '));
      else if (!path.includes(next)) follow([...path, next]);
    }
  };
  for (const [thread, lock] of waits.entries()) if (lock !== null) follow([thread]);
  return found;
}
