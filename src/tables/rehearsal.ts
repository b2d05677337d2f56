/**
 * The tables know a loop turn by turn, each begun anew from what the loop carries over. Kernel code goes on instead: what
 * it kept in another variable would be lost on the tables, and no finding would ever tell. So every loop is gone round
 * some more times in one go, and has to stand in each turn where the tables say.
 */
import { Cursor } from '../model/thread.ts';
import type { Kid, Position, Program } from './program.ts';

const TURNS = 4;
/** Enough for the loops of any scenario so far; there is no need to be thorough with thousands of ways through one body. */
const MOST_STEPS = 4000;

interface Edge {
  readonly from: Position;
  /** Which way of the step, an index into the ways of its position. */
  readonly way: number;
  readonly kid: Kid;
}

/** What the search has seen a thread do, by where it stood. */
type Edges = ReadonlyMap<Position, readonly Edge[]>;

/**
 * @param begin the state in which the search began
 * @throws ModelError that names the operation
 */
export function rehearse(program: Program, begin: Int32Array): void {
  let steps = 0;
  for (const [thread, named] of program.world.threads.entries()) {
    const start = program.position(begin, thread);
    program.expect(new Cursor(named), start);
    for (const walk of walksIn(program, edgesFrom(program, start), start)) {
      if ((steps += walk.length) > MOST_STEPS) return;
      const cursor = program.cursorAt(walk[0].from);
      for (const { way, kid } of walk) {
        cursor.feed(way, kid.reply, kid.stops);
        program.expect(cursor, toOf(program, kid));
      }
    }
  }
}

/** A walk of at least one step. */
type Walk = readonly [Edge, ...Edge[]];

/**
 * For each step that ends a turn of a loop the way to it, and then the loop as often as it comes round there. And each step
 * with which a call returns: the others are taken again whenever the search goes on from there.
 */
function* walksIn(program: Program, edges: Edges, start: Position): Generator<Walk> {
  for (const turn of [...edges.values()].flat()) {
    if (turn.kid.wentRound) {
      const there = shortest(program, edges, start, turn.from) ?? [];
      const round = shortest(program, edges, toOf(program, turn.kid), turn.from);
      const turns = round === null ? [] : Array.from({ length: TURNS }, () => [...round, turn]);
      yield [...there, turn, ...turns.flat()] as readonly Edge[] as Walk;
    } else if (turn.kid.returned) yield [turn];
  }
}

const toOf = (program: Program, { position }: Kid): Position => program.positions[position] as Position;

function edgesFrom(program: Program, start: Position): Edges {
  const edges = new Map<Position, Edge[]>([[start, []]]);
  for (const [from, those] of edges)
    for (let way = 0; way < from.ways; way++)
      for (const kid of program.ways[from.firstWay + way]?.kids.values() ?? []) {
        those.push({ from, way, kid });
        const to = toOf(program, kid);
        if (!edges.has(to)) edges.set(to, []);
      }
  return edges;
}

/** The shortest walk over the edges; null if there is none. */
function shortest(program: Program, edges: Edges, from: Position, goal: Position): readonly Edge[] | null {
  const came = new Map<Position, Edge | null>([[from, null]]);
  for (const position of came.keys()) {
    if (position === goal) return back(came, goal);
    for (const edge of edges.get(position) ?? []) {
      const to = toOf(program, edge.kid);
      if (!came.has(to)) came.set(to, edge);
    }
  }
  return null;
}

function back(came: ReadonlyMap<Position, Edge | null>, goal: Position): readonly Edge[] {
  const walk: Edge[] = [];
  for (let edge = came.get(goal); edge; edge = came.get(edge.from)) walk.unshift(edge);
  return walk;
}
