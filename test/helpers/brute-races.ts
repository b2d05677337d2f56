/**
 * The data races of a program by both definitions, read off every schedule by itself: nothing is remembered from one to the
 * next, and what happens before what is found by walking along the edges.
 */
import type { Orders } from '../../actors/step.ts';
import { Judge } from '../../src/explore/judge.ts';
import type { Variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';

/** By field and the two positions: whether nothing else was wrong before, on some schedule. */
export type Races = ReadonlyMap<string, boolean>;

interface Touch {
  readonly slot: number;
  readonly writes: boolean;
  readonly plain: boolean;
}

interface Event {
  readonly thread: number;
  readonly site: string;
  readonly touches: readonly Touch[];
  /** The events of which it is told, and those that tell only of what lies behind a pointer. */
  readonly from: readonly number[];
  readonly pointers: readonly { readonly path: string; readonly from: readonly number[] }[];
}

/** Releases that the present value of an object carries, by the name of their event. */
type Carried = ReadonlyMap<number, readonly { readonly event: number; readonly name: string }[]>;

/** By kind, where the step does not say what it orders. */
function usual(kind: string, isTry: boolean, reply: unknown): Orders {
  if (kind === 'release' || kind === 'signal') return 'release';
  if (kind === 'acquire' || kind === 'wait') return isTry && reply === false ? 'nothing' : 'acquire';
  return kind === 'put' ? (reply === true ? 'both' : 'release') : 'nothing';
}

/** @returns null where there are too many schedules */
export function bruteRaces(variant: Variant, most: number): { readonly met: Races; readonly unordered: Races } | null {
  const program = new Program(variant);
  const judge = new Judge(program, variant);
  const met = new Map<string, boolean>();
  const unordered = new Map<string, boolean>();
  let schedules = 0;
  const note = (races: Map<string, boolean>, slot: number, sites: readonly string[], isFirst: boolean) => {
    const key = raceKey(program, slot, sites);
    races.set(key, isFirst || races.get(key) === true);
  };

  /** What a step would touch if it were taken here; null if it cannot, or would find the memory freed. */
  const touchesOf = (state: Int32Array, thread: number, way: number): readonly Touch[] | null => {
    const next = state.slice();
    if (!program.choose(state, { thread, way }, next) || program.stoppedAt >= 0) return null;
    const { slots, events, means } = program.ways[program.position(state, thread).firstWay + way] as Program['ways'][number];
    return means.flatMap((meaning, i) => {
      if (meaning === undefined || ['alloc', 'free', 'choose'].includes(meaning.kind)) return [];
      const slot = slots[i] as number;
      const changes = program.nextOf(slot, state[slot] as number, events[i] as number) !== state[slot];
      const writes = meaning.kind === 'write' || (meaning.kind !== 'read' && changes);
      return [{ slot, writes, plain: meaning.plain === true }];
    });
  };

  const lookAt = (state: Int32Array, isFirst: boolean) => {
    const standing = program.world.threads.flatMap((_, thread) =>
      Array.from({ length: program.position(state, thread).ways }, (_way, way) => ({
        thread,
        site: siteOf(program, state, thread, way),
        touches: touchesOf(state, thread, way) ?? [],
      })),
    );
    for (const one of standing)
      for (const other of standing)
        if (one.thread < other.thread)
          for (const slot of clashes(one.touches, other.touches)) note(met, slot, [one.site, other.site], isFirst);
  };

  /** What is wrong with a state: of threads that stand where it is wrong to stand, each by itself. */
  const wrongsOf = (state: Int32Array): readonly string[] => {
    const standing = program.world.threads.map((_, thread) =>
      program.isWrongByItself(state[program.slots + thread] as number) ? judge.ofStanding(state, thread) : [],
    );
    return [
      ...judge
        .ofState(state, false)
        .filter((fault) => !standing.flat().includes(fault))
        .map(String),
      ...standing.flatMap((faults, thread) => faults.map((fault) => `${thread} ${fault}`)),
    ];
  };

  const visit = (
    state: Int32Array,
    events: readonly Event[],
    carried: Carried,
    wrongAt: readonly number[],
    before: readonly string[],
  ) => {
    if (schedules > most) return;
    const wrongs = wrongsOf(state);
    const isNew = wrongs.some((one) => !before.includes(one)) && !wrongAt.includes(events.length - 1);
    const wrongNow = isNew ? [...wrongAt, events.length - 1] : wrongAt;
    lookAt(state, wrongNow.length === 0);
    let isEnd = true;
    for (let thread = 0; thread < program.threads; thread++)
      for (let way = 0; way < program.position(state, thread).ways; way++) {
        const next = state.slice();
        const touches = touchesOf(state, thread, way);
        if (!program.choose(state, { thread, way }, next)) continue;
        isEnd = false;
        const splats = program.raised.length > 0;
        const taken = follow(state, thread, way, touches, events.length, carried);
        const all = [...events, taken.event];
        for (const [slot, earlier] of racesWith(all))
          note(
            unordered,
            slot,
            [(all[earlier] as Event).site, taken.event.site],
            wrongNow.every((at) => at === earlier),
          );
        visit(next, all, taken.carried, splats ? [...wrongNow, events.length] : wrongNow, wrongs);
      }
    if (isEnd) schedules++;
  };

  /** What the step is told, and what its objects carry after it. */
  const follow = (
    state: Int32Array,
    thread: number,
    way: number,
    touches: readonly Touch[] | null,
    at: number,
    carried: Carried,
  ): { readonly event: Event; readonly carried: Carried } => {
    const position = program.position(state, thread);
    const { slots, events, means, main } = program.ways[position.firstWay + way] as Program['ways'][number];
    const answer = program.answerOf(slots[main] as number, state[slots[main] as number] as number, events[main] as number);
    const reply = touches === null ? null : (program.answers.all[answer]?.reply ?? null);
    const from: number[] = [];
    const pointers: Event['pointers'][number][] = [];
    const after = new Map(carried);
    for (const [i, meaning] of touches === null ? [] : means.entries()) {
      if (meaning === undefined) continue;
      const slot = slots[i] as number;
      const said = meaning.orders;
      const mine = i === main ? reply : null;
      const orders =
        said === undefined
          ? usual(meaning.kind, meaning.try === true, mine)
          : typeof said === 'string'
            ? said
            : (said[JSON.stringify(mine)] ?? 'nothing');
      const here = carried.get(slot) ?? [];
      const heard = here.filter(({ name }) => meaning.after?.includes(name) ?? true).map(({ event }) => event);
      if (orders === 'acquire' || orders === 'both') from.push(...heard);
      const path = (mine as { readonly at?: string } | null)?.at ?? 'NULL';
      if (orders === 'pointer' && path !== 'NULL') pointers.push({ path, from: heard });
      const name = program.tables[slot]?.events[events[i] as number]?.type ?? '';
      const own = orders === 'release' || orders === 'both' ? [{ event: at, name }] : [];
      after.set(slot, meaning.kind === 'write' ? own : [...here, ...own]);
    }
    return {
      event: { thread, site: siteOf(program, state, thread, way), touches: touches ?? [], from, pointers },
      carried: after,
    };
  };

  /** With which events the last one races, and at which field. */
  const racesWith = (events: readonly Event[]): readonly (readonly [slot: number, earlier: number])[] => {
    const at = events.length - 1;
    const last = events[at] as Event;
    const before = pastOf(events, [at]);
    return events.slice(0, at).flatMap((other, earlier) =>
      other.thread === last.thread || before.has(earlier)
        ? []
        : clashes(other.touches, last.touches)
            .filter((slot) => !isBehind(events, slot, earlier))
            .map((slot) => [slot, earlier] as const),
    );
  };

  const isBehind = (events: readonly Event[], slot: number, earlier: number): boolean => {
    const path = program.world.slots[slot]?.path ?? '';
    return events
      .filter(({ thread }) => thread === events.at(-1)?.thread)
      .flatMap(({ pointers }) => pointers)
      .some((pointer) => path.startsWith(`${pointer.path}.`) && pastOf(events, pointer.from).has(earlier));
  };

  visit(program.initial(), [], new Map(), [], []);
  return schedules > most ? null : { met, unordered };
}

const clashes = (some: readonly Touch[], others: readonly Touch[]): readonly number[] =>
  some.flatMap((one) =>
    others.some((other) => other.slot === one.slot && (one.writes || other.writes) && (one.plain || other.plain))
      ? [one.slot]
      : [],
  );

/** The events and all that happens before them. */
function pastOf(events: readonly Event[], of: readonly number[]): ReadonlySet<number> {
  const past = new Set<number>();
  const open = [...of];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (past.has(at)) continue;
    past.add(at);
    const { thread, from } = events[at] as Event;
    const previous = events.slice(0, at).findLastIndex((event) => event.thread === thread);
    open.push(...from, ...(previous < 0 ? [] : [previous]));
  }
  return past;
}

/** Where a thread stands, by what it has done and heard: the same in every program of one design. */
export const siteOf = (program: Program, state: Int32Array, thread: number, way: number): string =>
  `${thread} ${program.position(state, thread).key} ${way}`;

export const raceKey = (program: Program, slot: number, sites: readonly string[]): string =>
  `${program.world.slots[slot]?.path}: ${sites.toSorted().join(' / ')}`;
