/** The counterexamples of one design, each followed in the other and played there on the live actors. */
import { confirm } from '../check/confirm.ts';
import type { Finding } from '../check/finding.ts';
import { judgeRun } from '../check/judge-run.ts';
import type { Choice } from '../explore/choice.ts';
import type { Standing, Trace } from '../trace/trace.ts';
import { type Followed, follow, type Parting } from './follow.ts';
import type { Side } from './side.ts';

/** Where two designs part, as both sides of it. */
export interface PartingWays {
  readonly why: Parting['why'];
  /** The step of the counterexample, from 1, and who takes it in which function. */
  readonly step: number;
  readonly here: { readonly thread: string; readonly says: string; readonly function: string };
  /** What the other design's thread would do instead; null if it would do nothing. */
  readonly there: {
    readonly thread: string;
    readonly says: string | null;
    readonly function: string | null;
    /** Who holds what it waits for. */
    readonly heldBy: readonly string[];
  } | null;
}

export interface Replayed extends Pick<Followed, 'same' | 'extra' | 'leftOut'> {
  readonly finding: Finding;
  readonly first: PartingWays | null;
  readonly left: PartingWays | null;
  /** What is wrong in the other design on this run. */
  readonly found: readonly Finding[];
}

export async function replayOn(finding: Finding, other: Side, threadIn: (thread: string) => string): Promise<Replayed | null> {
  if (finding.trace === null) return null;
  const { program, scenario, name } = other;
  const followed = follow(finding.trace.steps, program, threadIn);
  const { choices, same, extra, leftOut, first, left } = followed;
  const run = await playedOn(other, choices);
  const raised = await judgeRun(scenario, name, run.steps);
  return {
    finding,
    same,
    extra,
    leftOut,
    first: first && waysOf(first, await playedOn(other, choices.slice(0, first.after))),
    left: left && waysOf(left, await playedOn(other, choices.slice(0, left.after))),
    found: raised.map((each) => each.finding),
  };
}

const playedOn = async ({ program, variant }: Side, choices: readonly Choice[]): Promise<Trace> =>
  (await confirm(program, variant, choices)).live;

function waysOf({ why, step, thread }: Parting, { standing }: Trace): PartingWays {
  const here = { thread: step.thread, says: step.c, function: innermost(step.functions) ?? step.operation };
  const own = standing.find((each) => each.thread === thread);
  if (own === undefined) return { why, step: step.index, here, there: null };
  const heldBy = why === 'waits' ? standing.filter((each) => each !== own && holds(each, own.object)) : [];
  return {
    why,
    step: step.index,
    here,
    there: {
      thread: own.thread,
      says: own.next,
      function: innermost(own.functions),
      heldBy: heldBy.map((holder) => holder.thread),
    },
  };
}

const holds = ({ held }: Standing, object: string | null): boolean => object !== null && held.includes(object);
const innermost = (functions: readonly string[]): string | null => functions.at(-1) ?? null;
