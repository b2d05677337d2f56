/**
 * The search of all states, or the reduced one, over several threads. It gives back what they give: the same states under
 * the same numbers, the same findings on the same ways, however many threads there are.
 *
 * The states lie in memory that all threads share. They go level by level: each takes portions of a level, follows the
 * steps and puts what it meets where all see it, and a state belongs to the first of those from which a step leads there.
 * When a level is over, this thread numbers what was met in the order in which a search by one would have met it, and has
 * the judge see, in that order, whatever may be news to it. Levels that are not worth sharing it does by itself.
 */
import type { Variant } from '../../model/scenario.ts';
import type { Program } from '../../tables/program.ts';
import { rehearse } from '../../tables/rehearsal.ts';
import { estimateCoverage } from '../cut-coverage.ts';
import type { Progress } from '../found.ts';
import { layoutOf } from '../layout.ts';
import { NumberList } from '../number-list.ts';
import { cutAt, EVERY_THREAD, type Explored, type Limits, path, type Reduction } from '../plain-search.ts';
import { type Forecast, forecastOf } from '../reduction/forecast.ts';
import { conclude, firstPass, withReached } from '../reduced-search.ts';
import { StubbornSets } from '../reduction/stubborn-sets.ts';
import { Witness } from '../witness.ts';
import { controlFor, NEXT_PARENT, PAUSE, ROOTS_NEXT } from './control.ts';
import { Crew } from './crew.ts';
import { Expansion, type Harvest, type Level, readInOrder } from './expansion.ts';
import { Oracle } from './oracle.ts';
import { BLOCK } from './shared-pairs.ts';
import { SharedStates } from './shared-states.ts';
import { END, STATE, Watch } from './watch.ts';
import { WorkerPool } from './worker-pool.ts';

export interface ParallelOptions {
  readonly workers: number;
  readonly reduced?: boolean;
  /** Levels with fewer states are not shared. */
  readonly sharedFrom?: number;
  /** Where the threads come from and go to. Without it they end with the search. */
  readonly pool?: WorkerPool;
}

export interface InParallel extends Explored {
  /** How often it went over everything: more than once only where it is reduced. */
  readonly passes: number;
  /** How many threads have helped: none, where there was too little to share. */
  readonly workers: number;
  /** Why no thread could help, if some should have. */
  readonly alone: string | null;
}

/** As `Search`, but to be waited for. Whoever does not go on to its end calls `return()`, or the threads stay. */
export type AsyncSearch<F> = AsyncGenerator<Progress, F, string | null>;

const SHARED_FROM = 400;
const STATES_PER_TURN = 4096;
const MOST_PER_PORTION = 256;

export async function* exploreInParallel(
  program: Program,
  variant: Variant,
  limits: Limits,
  { workers, reduced = false, sharedFrom = SHARED_FROM, pool }: ParallelOptions,
): AsyncSearch<InParallel> {
  const hands = pool ?? new WorkerPool();
  const team = new Team(program, variant, { workers, sharedFrom, pool: hands });
  const givenUp = new Set<number>();
  try {
    for (let pass = firstPass(program); ; ) {
      const forecast = reduced ? forecastOf(program, pass.reads, givenUp, limits.keepsRaces) : null;
      const explored = yield* new Pass(team, limits, forecast).explore();
      const { isLast, next } = conclude(program, pass, explored);
      if (!reduced || isLast || explored.cut !== null) {
        rehearse(program, program.initial());
        const sometimes = reduced ? withReached(explored.sometimes, next) : explored.sometimes;
        return { ...explored, sometimes, passes: pass.number, workers: team.helpers, alone: team.alone };
      }
      pass = next;
    }
  } finally {
    await team.end();
    if (pool === undefined) await hands.end();
  }
}

/** Who takes part in all passes of a search. */
class Team {
  readonly program: Program;
  readonly variant: Variant;
  readonly workers: number;
  readonly sharedFrom: number;
  readonly control: Int32Array;
  readonly oracle: Oracle;
  readonly watch: Watch;
  /** Why nobody helps. */
  alone: string | null = null;
  private readonly pool: WorkerPool;
  private crew: Crew | null = null;

  constructor(program: Program, variant: Variant, { workers, sharedFrom, pool }: Omit<Required<ParallelOptions>, 'reduced'>) {
    this.program = program;
    this.variant = variant;
    this.workers = workers;
    this.sharedFrom = sharedFrom;
    this.pool = pool;
    this.control = controlFor(workers);
    this.oracle = new Oracle(program, variant);
    this.watch = new Watch(program, this.oracle.predicates, (predicate, state, strict) =>
      this.oracle.verdict(predicate, state, strict),
    );
  }

  get helpers(): number {
    return this.crew?.size ?? 0;
  }

  /** Started only when there is something to share. @returns null where nobody can help */
  async help(): Promise<Crew | null> {
    if (this.crew !== null || this.alone !== null) return this.crew;
    const started = await Crew.start(this.program, this.oracle, this.control, this.workers, this.pool);
    if (typeof started === 'string') this.alone = started;
    else this.crew = started;
    return this.crew;
  }

  async end(): Promise<void> {
    await this.crew?.end();
  }
}

/** Once over everything. */
class Pass {
  private readonly team: Team;
  private readonly limits: Limits;
  private readonly forecast: Forecast | null;
  private readonly reduction: Reduction | null;
  private readonly witness: Witness<number>;
  private readonly groups: readonly (readonly number[])[];
  private readonly states: SharedStates;
  private readonly expansion: Expansion;
  /** By number, the state from which it was first met. */
  private readonly parents = new NumberList();
  private crew: Crew | null = null;
  private frontier: Int32Array = new Int32Array(0);
  private steps = 0;
  private depth = 0;
  private shown = 0;
  /** The states that this thread and, as far as it has heard, the others have met. */
  private met = 0;

  constructor(team: Team, limits: Limits, forecast: Forecast | null) {
    const { program, control, watch } = team;
    this.team = team;
    this.limits = limits;
    this.forecast = forecast;
    this.witness = new Witness(program, team.variant);
    this.groups = layoutOf(program);
    this.states = new SharedStates(control, program.width, this.groups, slackFor(team));
    watch.begin();
    this.reduction = forecast && new StubbornSets(program, forecast, (state) => watch.isWrong(state));
    this.expansion = new Expansion(program, control, this.states.set, watch, this.reduction);
  }

  async *explore(): AsyncSearch<Explored> {
    const { states, parents, witness, limits } = this;
    const { program } = this.team;
    states.number(~states.set.visited.add(program.initial()));
    parents.push(-1);
    let cut: string | null = null;
    let at = 0;
    while (at < states.size && cut === null) {
      const level = this.levelFrom(at);
      const { harvests, stop } = yield* this.follow(level);
      at += this.take(level, harvests);
      this.judge(harvests, at);
      cut = stop;
      if (states.size > limits.maxStates) cut = cutAt(limits.maxStates);
      else if (cut === null && at - this.shown >= STATES_PER_TURN) cut = yield this.progress(at);
      if (at < states.size && cut === null) this.depth++;
    }
    const pathTo = (to: number) => path(program, states, parents, to);
    return {
      program,
      judge: witness.judge,
      visited: states,
      reads: witness.reads,
      sightings: witness.sightings(pathTo),
      sometimes: witness.sometimes,
      states: states.size,
      traces: null,
      steps: this.steps,
      depth: this.depth,
      cut: at < states.size ? cut : null,
      estimate: at < states.size ? this.estimate(at) : null,
      // Nobody goes on from a search of several threads.
      checkpoint: null,
      pathTo,
    };
  }

  private levelFrom(first: number): Level {
    const size = this.states.size - first;
    if (size > this.frontier.length) this.frontier = new Int32Array(new SharedArrayBuffer(8 * size));
    for (let i = 0; i < size; i++) this.frontier[i] = this.states.rootOf(first + i);
    const portion = Math.min(MOST_PER_PORTION, Math.ceil(size / (8 * this.team.workers)));
    return { frontier: this.frontier, size, first, portion };
  }

  /** Follows all steps out of a level, or out of its beginning where the search is stopped. */
  private async *follow(level: Level): AsyncSearch<{ readonly harvests: readonly Harvest[]; readonly stop: string | null }> {
    const { states, limits, team } = this;
    const crew = level.size < team.sharedFrom ? null : await this.help();
    const harvests: Harvest[] = [];
    let takesMore = true;
    let stop: string | null = null;
    states.setLimits(limits.maxStates);
    team.control[NEXT_PARENT] = 0;
    for (;;) {
      team.control[PAUSE] = 0;
      const turn: Turn = crew === null ? this.followAlone(level, takesMore) : yield* this.followTogether(crew, level, takesMore);
      stop ??= turn.stop;
      harvests.push(...turn.harvests.filter((harvest) => harvest !== null));
      if (!turn.harvests.includes(null)) return { harvests, stop };
      if (crew === null) stop ??= yield this.progress(level.first);
      takesMore = stop === null && this.met <= limits.maxStates;
      await this.makeRoom(crew);
      states.setLimits(takesMore ? Math.max(limits.maxStates, team.control[ROOTS_NEXT] as number) : Infinity);
    }
  }

  private followAlone(level: Level, takesMore: boolean): Turn {
    const harvests = [this.expansion.run(level, takesMore, STATES_PER_TURN)];
    this.countMet();
    return { harvests, stop: null };
  }

  private async *followTogether(crew: Crew, level: Level, takesMore: boolean): AsyncSearch<Turn> {
    const { memory } = this.states;
    crew.order((worker) => ({ do: 'run', level, takesMore, memory, log: crew.news(worker) }));
    const stop = yield* this.wait(crew, level);
    this.countMet();
    return { harvests: crew.said.map(({ harvest }) => harvest), stop };
  }

  /** @returns why the caller wants to stop */
  private async *wait(crew: Crew, level: Level): AsyncGenerator<Progress, string | null, string | null> {
    let stop: string | null = null;
    while (!(await crew.isDone())) {
      stop ??= yield this.progress(level.first);
      if (stop !== null) Atomics.store(this.team.control, PAUSE, 1);
    }
    return stop;
  }

  private async makeRoom(crew: Crew | null): Promise<void> {
    const memory = this.states.grown();
    if (memory === null) return;
    if (crew === null) this.states.set.move(memory, 0, 1);
    else {
      this.states.set.use(memory);
      crew.order((part) => ({ do: 'move', memory, part, parts: crew.size }));
      while (!(await crew.isDone()));
    }
  }

  private async help(): Promise<Crew | null> {
    if (this.crew !== null) return this.crew;
    const crew = await this.team.help();
    if (crew === null) return null;
    const { groups, forecast } = this;
    const { memory } = this.states;
    crew.order((worker) => ({ do: 'begin', memory, groups, forecast, log: crew.news(worker) }));
    while (!(await crew.isDone()));
    this.crew = crew;
    return crew;
  }

  /** Numbers what was met, in order. @returns out of how many states of the level the steps have been followed */
  private take(level: Level, harvests: readonly Harvest[]): number {
    const { states, parents, limits } = this;
    const { roots } = states.set;
    return readInOrder(harvests, (i, steps, written, from, to) => {
      const parent = level.first + i;
      this.steps += steps;
      for (let j = from; j < to; j++) {
        const root = written[j] as number;
        if (!roots.belongsTo(root, parent)) continue;
        states.number(root);
        parents.push(parent);
      }
      return states.size <= limits.maxStates;
    });
  }

  /** Has the judge see what may be news, in order, as far as the search has come. */
  private judge(harvests: readonly Harvest[], end: number): void {
    const { witness, states } = this;
    const { program } = this.team;
    const state = new Int32Array(program.width);
    const next = new Int32Array(program.width);
    for (const { at, thread, way } of inOrder(harvests)) {
      if (at >= end) return;
      states.get(at, state);
      if (thread === STATE) witness.state(state, at);
      else if (thread === END) witness.end(state, witness.judge.isWrong(state), at);
      else {
        program.choose(state, { thread, way }, next);
        witness.step(state, witness.judge.isWrong(state), at, { thread, way });
      }
    }
  }

  /** How much a search has covered that has followed so many states. */
  private estimate(end: number): string {
    const { states, reduction, witness } = this;
    return estimateCoverage(this.team.program, {
      has: (vector) => {
        const number = states.numberOf(vector);
        return number >= 0 && number < end;
      },
      threads: (vector) => reduction?.choose(vector) ?? EVERY_THREAD,
      isWrong: (vector) => witness.judge.isWrong(vector),
    });
  }

  private countMet(): void {
    this.met = this.states.set.roots.size;
    for (const { met } of this.crew?.said ?? []) this.met += met;
  }

  private progress(at: number): Progress {
    this.shown = at;
    return { states: Math.max(this.states.size, this.met), traces: null, depth: this.depth, share: null };
  }
}

/** What came of a level until a pause: null for who has not come to an end, and why the caller wants to stop. */
interface Turn {
  readonly harvests: readonly (Harvest | null)[];
  readonly stop: string | null;
}

interface Event {
  readonly at: number;
  readonly thread: number;
  readonly way: number;
}

/** Each state was seen by one thread, so that what it has noted of it is in order already. */
function inOrder(harvests: readonly Harvest[]): readonly Event[] {
  const events: Event[] = [];
  for (const { events: noted } of harvests)
    for (let i = 0; i < noted.length; i += 3)
      events.push({ at: noted[i] as number, thread: noted[i + 1] as number, way: noted[i + 2] as number });
  return events.toSorted((a, b) => a.at - b.at);
}

/** What may be added to the visited set after there is little room left: by each thread a block that it has begun, and one state. */
function slackFor({ program, workers }: Team): number {
  const ways = program.positions.reduce((most, position) => Math.max(most, position.ways), 4);
  return (workers + 1) * (2 * BLOCK + 2 * program.threads * ways * program.width);
}
