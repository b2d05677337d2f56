/** What never ends becomes a finding: a way to a loop, and the loop once round, both confirmed on the live actors. */
import { countPreemptions } from '../explore/best-search.ts';
import type { Choice } from '../explore/choice.ts';
import { InternalError } from '../model/errors.ts';
import { whatIsLeftOut } from '../model/leave-out.ts';
import type { Position, Program } from '../tables/program.ts';
import { pairOfLoop } from '../trace/racing-pair.ts';
import { confirm } from './confirm.ts';
import { moversIn, named, type Subject, scheduleOf } from './describe.ts';
import type { Finding } from './finding.ts';

/** The thread whose operation never ends, or which is never woken, while the loop goes round. */
export interface Endless {
  readonly kind: 'starvation' | 'hung-task';
  readonly thread: number;
}

export async function describeEndless(
  subject: Subject,
  { kind, thread }: Endless,
  prefix: readonly Choice[],
  loopAfter: (state: Int32Array) => readonly Choice[],
): Promise<Finding> {
  const { program, judge, variant } = subject;
  const before = (await confirm(program, variant, prefix)).state;
  const loop = loopAfter(before);
  const choices = [...prefix, ...loop];
  const { live, state: after } = await confirm(program, variant, choices);
  if (!same(before, after)) throw new InternalError(`The loop of ${kind} does not come back to where it began`);
  const fault = judge.ofEndless(kind, waitingIn(program, before, loop, thread));
  const pair = pairOfLoop(live, prefix.length + 1, fault.sites[0]?.thread ?? '', fault.sites[0]?.event ?? '');
  const name = named(subject, fault, pair);
  return {
    ...name,
    threads: moversIn(program, live),
    preemptions: countPreemptions(program, choices),
    proven: false,
    schedule: scheduleOf(subject, name.id, live, prefix.length + 1),
    trace: live,
    loopFrom: prefix.length + 1,
    without: whatIsLeftOut(variant),
    order: null,
    symptom: null,
    serial: null,
  };
}

/** Every place of the two states holds the same. */
export const same = (a: Int32Array, b: Int32Array): boolean => a.every((value, place) => value === b[place]);

/** Where the thread waits in the course of the loop: before a step that waits, if there is one, else where it stands. */
function waitingIn(program: Program, from: Int32Array, loop: readonly Choice[], thread: number): Position {
  const state = from.slice();
  const next = state.slice();
  const stands = [program.position(state, thread)];
  for (const choice of loop) {
    program.choose(state, choice, next);
    state.set(next);
    stands.push(program.position(state, thread));
  }
  return stands.find((position) => position.waits) ?? (stands[0] as Position);
}
