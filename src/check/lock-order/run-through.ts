/** The run with the fewest preemptions on which the threads come by certain places, some thread by one of each kind. */
import type { Choice } from '../../explore/choice.ts';
import { NumberedSet } from '../../explore/numbered-set.ts';
import type { Program } from '../../tables/program.ts';

export interface RunThrough {
  readonly choices: readonly Choice[];
  /** Nothing with fewer preemptions does. */
  readonly proven: boolean;
}

interface Node {
  readonly parent: Node | null;
  readonly choice: Choice | null;
  readonly number: number;
}

const NOBODY = -1;
const NODES_PER_TURN = 1024;

/**
 * Rounds of 0, 1, 2, ... preemptions. A node is a state, the thread that ran last, and the kinds of place come by so far.
 *
 * @param kinds by the number of a position, the kinds of place that it is, as bits
 * @returns null if no run does, or the search was given up
 */
export function* runThrough(
  program: Program,
  kinds: ReadonlyMap<number, number>,
  all: number,
  maxNodes: number,
): Generator<null, RunThrough | null, string | null> {
  const { width, threads } = program;
  const visited = new NumberedSet(width + 2);
  const at = new Int32Array(width + 2);
  const next = new Int32Array(width + 2);
  const into = next.subarray(0, width);
  const kindOf = (state: Int32Array, thread: number) => kinds.get(state[program.slots + thread] as number) ?? 0;
  at.set(program.initial());
  at[width] = NOBODY;
  for (let thread = 0; thread < threads; thread++) at[width + 1] = (at[width + 1] as number) | kindOf(at, thread);
  visited.add(at);
  let round: Node[] = [{ parent: null, choice: null, number: 0 }];
  let later: { readonly node: Node; readonly vector: Int32Array }[] = [];
  let turns = 0;
  for (;;) {
    for (const node of round) {
      visited.get(node.number, at);
      const met = at[width + 1] as number;
      if (met === all) return { choices: choicesTo(node), proven: true };
      if (visited.size > maxNodes || (++turns % NODES_PER_TURN === 0 && (yield null) !== null)) return null;
      const state = at.subarray(0, width);
      const last = at[width] as number;
      const goesOn = last !== NOBODY && program.anyEnabled(state, last);
      for (let thread = 0; thread < threads; thread++) {
        const { firstWay, ways } = program.position(state, thread);
        for (let way = 0; way < ways; way++) {
          if (!program.take(state, thread, firstWay + way, into)) continue;
          next[width] = thread;
          next[width + 1] = met | kindOf(into, thread);
          const reached = { parent: node, choice: { thread, way } };
          if (goesOn && thread !== last) later.push({ node: { ...reached, number: -1 }, vector: next.slice() });
          else addTo(round, visited, reached, next);
        }
      }
    }
    if (later.length === 0) return null;
    round = [];
    for (const { node, vector } of later) addTo(round, visited, node, vector);
    later = [];
  }
}

function addTo(
  round: Node[],
  visited: NumberedSet,
  { parent, choice }: Pick<Node, 'parent' | 'choice'>,
  vector: Int32Array,
): void {
  const added = visited.add(vector);
  if (added < 0) round.push({ parent, choice, number: ~added });
}

function choicesTo(node: Node): readonly Choice[] {
  const choices: Choice[] = [];
  for (let at: Node | null = node; at?.choice; at = at.parent) choices.push(at.choice);
  return choices.toReversed();
}
