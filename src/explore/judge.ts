/** What is wrong with a step or a state. The searches ask it; it knows no search. */
import type { Kind, Splat } from '../../machines/object.ts';
import type { Kept } from '../model/held.ts';
import { plainName } from '../model/names.ts';
import type { Variant } from '../model/scenario.ts';
import { functionsOf } from '../model/stack.ts';
import { StatePredicate } from '../tables/predicate.ts';
import type { Position, Program } from '../tables/program.ts';
import type { Choice } from './choice.ts';
import { type Accessing, spellAccess } from './races/accesses.ts';
import { type Stuck, whoIsStuck } from './wait-for.ts';

/** Where kernel code stands: the thread, the innermost function, the step and its object. */
export interface Site {
  readonly thread: string;
  readonly function: string;
  readonly event: string;
  readonly object: string;
}

/** One thing that is wrong, however many schedules lead to it. */
export interface Fault {
  readonly id: number;
  readonly kind: Kind;
  /** The object at which it is raised, as scenarios name it. */
  readonly object: string;
  /** What went wrong, as a clause. */
  readonly text: string;
  /** The first line that a kernel would print; null where it is silent. */
  readonly prints: string | null;
  /** The step that raised it, or the steps at which threads are stuck. */
  readonly sites: readonly Site[];
  /** The places of the state that a broken predicate has read. */
  readonly reads: readonly number[];
}

type Unnumbered = Omit<Fault, 'id'>;

/** How the key of a data race begins. */
export const RACE = 'data-race|';

/** The kinds that a search of this version looks for, whatever the scenario. */
export const SEARCHED: readonly Kind[] = [
  'use-after-free',
  'double-free',
  'null-deref',
  'refcount',
  'deadlock',
  'self-deadlock',
  'lock-order',
  'sleep-in-atomic',
  'lock-held-at-exit',
  'unlock-imbalance',
  'warn',
  'bug',
  'list-corruption',
];

/** Why the thread must not sleep there, as a clause. */
function whyAtomic({ held, irqsOff }: Position): string {
  if (held.some(({ interrupt }) => interrupt)) return 'in an interrupt handler';
  const locks = [...new Set(held.filter(({ atomic }) => atomic).map(({ object }) => plainName(object)))].toSorted();
  if (locks.length > 0) return `while it holds ${locks.join(' and ')}`;
  return irqsOff ? 'with interrupts off' : '';
}

/** Put without a get, where the counter itself does not notice. */
const tooMany = (n: number): string => `${n} more ${n === 1 ? 'is' : 'are'} given back than taken, when every task has ended`;

export class Judge {
  readonly faults: Fault[] = [];
  private readonly program: Program;
  private readonly ids = new Map<string, number>();
  private readonly keys: string[] = [];
  private readonly always: readonly StatePredicate<boolean>[];
  private readonly atEnd: readonly StatePredicate<boolean>[];
  private readonly leaks: readonly StatePredicate<number>[];
  private readonly sites = new Map<Position, Site>();
  /** Each fault as it was met last: the threads may be others than the first time. */
  private readonly latest: Fault[] = [];
  /** Some state was an end, at which it could be asked what must hold there. */
  reachedEnd = false;

  constructor(program: Program, variant: Variant) {
    this.program = program;
    const predicates = <R>(tests: { readonly [name: string]: (view: never) => R }) =>
      Object.entries(tests).map(([name, test]) => new StatePredicate<R>(program, name, test));
    this.always = predicates(variant.always);
    this.atEnd = predicates(variant.atEnd);
    this.leaks = predicates(variant.leaks);
  }

  /** The places of the state on which it depends whether a state is wrong, as far as is known. */
  get watched(): ReadonlySet<number> {
    return new Set(this.always.flatMap(({ everRead }) => [...everRead]));
  }

  /** What the step raised, to be asked right after `program.take`. */
  ofStep(state: Int32Array, thread: number): readonly number[] {
    return this.program.raised.map(({ slot, splat }) => this.ofSplat(state, thread, slot, splat));
  }

  /** Something is wrong in the state, whether or not it is an end: asked of every state, so nothing is made for it. */
  isWrong(state: Int32Array): boolean {
    for (const predicate of this.always) if (!predicate.of(state)) return true;
    for (let thread = 0; thread < this.program.threads; thread++) if (this.program.standsWrong(state, thread)) return true;
    return false;
  }

  /** @param terminal no thread can move any more */
  ofState(state: Int32Array, terminal: boolean): readonly number[] {
    const found: number[] = [];
    for (const predicate of this.always) if (!predicate.of(state)) found.push(this.broken('invariant', predicate, state));
    for (let thread = 0; thread < this.program.threads; thread++)
      if (this.program.standsWrong(state, thread)) found.push(...this.ofStanding(state, thread));
    if (terminal) found.push(...this.ofEnd(state));
    return found;
  }

  /** The fault as it shows at the end of this way, on which the last step raised it, or which leads to a state that is wrong. */
  asMet(fault: number, choices: readonly Choice[], byStep: boolean): Fault {
    const { program } = this;
    const state = program.initial();
    const next = state.slice();
    for (const { thread, way } of choices) {
      program.choose(state, { thread, way }, next);
      if (byStep) this.ofStep(state, thread);
      state.set(next);
    }
    if (!byStep) this.ofState(state, program.isTerminal(state));
    return this.latest[fault] as Fault;
  }

  /** An operation that never ends, or a task that is never woken, while others go on. */
  ofEndless(kind: 'starvation' | 'hung-task', waiting: Position): Fault {
    const site = this.siteOf(waiting);
    const text =
      kind === 'starvation'
        ? `${site.thread} never gets out of ${functionsOf(waiting.step?.stack() ?? '')[0] ?? site.function}(), though every thread gets its turn`
        : `${site.thread} is never woken in ${site.function}(), while others go on`;
    const prints = kind === 'hung-task' ? `INFO: task ${site.thread} blocked for more than 120 seconds.` : null;
    const id = this.number(`${kind}|${site.thread}|${site.function}|${site.event}`, {
      kind,
      object: site.object,
      text,
      prints,
      sites: [site],
      reads: [],
    });
    return this.faults[id] as Fault;
  }

  siteOf(position: Position): Site {
    let site = this.sites.get(position);
    if (site === undefined) {
      const { step, thread } = position;
      site = {
        thread: this.program.world.threads[thread]?.name ?? '',
        function:
          functionsOf(step?.stack() ?? '')
            .filter((name) => name !== step?.event.type)
            .at(-1) ?? '',
        event: step?.event.type ?? '',
        object: plainName(step?.object ?? ''),
      };
      this.sites.set(position, site);
    }
    return site;
  }

  private ofSplat(state: Int32Array, thread: number, slot: number, { kind, text, prints }: Splat): number {
    const site = this.siteOf(this.program.position(state, thread));
    const name = this.program.world.nameOf(slot);
    // A WARN_ON() is nobody's but that of the function in which it stands.
    const object = name === 'environment' ? site.function : name === 'NULL' ? site.object : plainName(name);
    return this.number(`${kind}|${object}|${text}|${site.function}|${site.event}`, {
      kind,
      object: kind === 'null-deref' ? site.object.replace(/^NULL\./, '') : object,
      text,
      prints: prints === null || kind !== 'use-after-free' ? prints : `${prints} in ${site.function}`,
      sites: [site],
      reads: [slot],
    });
  }

  /** What is wrong with where the thread stands. */
  ofStanding(state: Int32Array, thread: number): readonly number[] {
    const position = this.program.position(state, thread);
    return [
      ...(this.program.isStuckInItself(state, thread) ? [this.ofSelfDeadlock(position)] : []),
      ...this.ofPosition(position),
    ];
  }

  /** What of it does not depend on the objects. */
  ofPosition(position: Position): readonly number[] {
    return [...(position.sleeps ? [this.ofSleep(position)] : []), ...position.kept.map((kept) => this.ofKept(position, kept))];
  }

  private ofSleep(position: Position): number {
    const site = this.siteOf(position);
    const object = site.object === 'environment' ? site.function : site.object;
    const text = whyAtomic(position);
    return this.number(`sleep-in-atomic|${object}|${text}|${site.function}|${site.event}`, {
      kind: 'sleep-in-atomic',
      object,
      text,
      prints: 'BUG: sleeping function called from invalid context',
      sites: [site],
      reads: [],
    });
  }

  private ofKept(position: Position, { object: path, operation }: Kept): number {
    const object = plainName(path);
    const thread = this.program.world.threads[position.thread]?.name ?? '';
    const isTask = this.isTask(position);
    return this.number(`lock-held-at-exit|${object}|${operation}|${isTask}`, {
      kind: 'lock-held-at-exit',
      object,
      text: isTask ? 'it is still held on return to user space' : 'it is still held when its holder is done',
      prints: isTask ? 'WARNING: lock held when returning to user space!' : `WARNING: ${thread} still has locks held!`,
      sites: [{ thread, function: operation, event: 'return', object }],
      reads: [],
    });
  }

  private ofSelfDeadlock(position: Position): number {
    const site = this.siteOf(position);
    return this.number(`self-deadlock|${site.object}|${site.function}`, {
      kind: 'self-deadlock',
      object: site.object,
      text: 'a thread acquires the lock that it holds',
      prints: 'WARNING: possible recursive locking detected',
      sites: [site],
      reads: [],
    });
  }

  private broken(kind: Kind, predicate: StatePredicate<unknown>, state: Int32Array): number {
    const key = `${kind}|${predicate.name}`;
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    predicate.evaluate(state);
    const reads = [...new Set(predicate.lastReads)].filter((place) => place < this.program.slots);
    const object = reads[0] === undefined ? '' : plainName(this.program.world.nameOf(reads[0]));
    const text = `"${predicate.name}" does not hold${kind === 'end-state' ? ' at the end' : ''}`;
    return this.number(key, { kind, object, text, prints: null, sites: [], reads });
  }

  private ofEnd(state: Int32Array): readonly number[] {
    const all = this.program.world.threads.map((_, i) => this.program.position(state, i));
    const tasks = all.filter((position) => this.isTask(position));
    const found = whoIsStuck(all, (position) => this.isTask(position)).map((stuck) => this.ofDeadlock(stuck));
    if (tasks.some(({ status }) => status !== 'ended')) return found;
    this.reachedEnd = true;
    return [
      ...found,
      ...this.atEnd.filter((predicate) => !predicate.of(state)).map((predicate) => this.broken('end-state', predicate, state)),
      ...this.leaks.filter((leak) => leak.of(state) !== 0).map((leak) => this.leftOver(leak, state)),
    ];
  }

  private leftOver(leak: StatePredicate<number>, state: Int32Array): number {
    const left = leak.of(state);
    leak.evaluate(state);
    return this.number(`leak|${leak.name}`, {
      kind: 'leak',
      object: leak.name,
      text: left > 0 ? `${left} ${left === 1 ? 'is' : 'are'} left over when every task has ended` : tooMany(-left),
      prints: null,
      sites: [],
      reads: [...new Set(leak.lastReads)].filter((place) => place < this.program.slots),
    });
  }

  private ofDeadlock({ positions, inCycle }: Stuck): number {
    const hopeless = `${positions.length === 1 ? 'waits' : 'wait'} for what nobody will do`;
    const sites = positions.map((position) => this.siteOf(position));
    const [first] = sites as [Site];
    // The same threads in the other order, or others that stand there like them, make the same deadlock.
    const places = sites.map((site) => `${site.function}|${site.event}|${site.object}`).toSorted();
    return this.number(`deadlock|${places.join('|')}`, {
      kind: 'deadlock',
      object: first.object,
      text: `${sites.map((site) => site.thread).join(' and ')} ${inCycle ? 'wait for each other' : hopeless}`,
      prints: `INFO: task ${first.thread} blocked for more than 120 seconds.`,
      sites,
      reads: [],
    });
  }

  private isTask({ thread }: Position): boolean {
    return this.program.world.threads[thread]?.kind === 'task';
  }

  private number(key: string, fault: Unnumbered): number {
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.faults.length;
      this.faults.push({ id, ...fault });
      this.ids.set(key, id);
      this.keys[id] = key;
    }
    this.latest[id] = { id, ...fault };
    return id;
  }

  /** What makes the fault this one and no other: the same in any program of the same design. */
  keyOf(fault: number): string {
    return this.keys[fault] as string;
  }

  /** The number of the fault with this key, if it has been met. */
  numberOf(key: string): number | null {
    return this.ids.get(key) ?? null;
  }

  /** What must hold in every state, for those who have to know what it looks at. */
  get invariants(): readonly StatePredicate<boolean>[] {
    return this.always;
  }

  /**
   * Two accesses to one field that nothing orders, whoever makes them and whichever comes first. The title names the
   * functions as a kernel does, by the alphabet.
   */
  ofRace(slot: number, accesses: readonly [Accessing, Accessing]): Fault {
    const sides = accesses
      .map(({ position, way }, i) => {
        const { way: beside } = accesses[1 - i] as Accessing;
        return { site: this.siteOf(position), how: spellAccess(this.program, way, slot, beside) };
      })
      .map(({ site, how }) => ({ site, how, key: `${site.function}|${site.event}|${how}` }))
      .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const object = plainName(this.program.world.nameOf(slot));
    const functions = sides.map(({ site }) => site.function);
    const id = this.number([RACE + object, ...sides.map(({ key }) => key)].join('|'), {
      kind: 'data-race',
      object,
      text: `${sides.map(({ site, how }) => `a ${how} in ${site.function}()`).join(' and ')}, and nothing orders them`,
      prints: `BUG: KCSAN: data-race in ${functions.toSorted().join(' / ')}`,
      sites: sides.map(({ site }) => site),
      reads: [slot],
    });
    return this.faults[id] as Fault;
  }

  /** What must hold, by which rule, with all that it has been asked. */
  get rules(): readonly StatePredicate<unknown>[] {
    return [...this.always, ...this.atEnd, ...this.leaks];
  }

  /** What must hold in every state, and has held in all so far. */
  get unbroken(): readonly StatePredicate<boolean>[] {
    return this.always.filter(({ name }) => !this.ids.has(`invariant|${name}`));
  }

  /** The faults by what tells them apart, in the order of their numbers. */
  get known(): readonly (readonly [key: string, fault: Fault])[] {
    return [...this.ids].map(([key, id]) => [key, this.faults[id] as Fault]);
  }

  /** Takes up where another judge of the same scenario ended. */
  resume(known: Judge['known'], reachedEnd: boolean): void {
    for (const [key, fault] of known) this.number(key, fault);
    this.reachedEnd = reachedEnd;
  }
}
