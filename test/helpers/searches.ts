/** What tests of searches ask of each: what it found, and whether the ways that it gives lead there. */
import type { ExecutionContext } from 'ava';
import type { Found, Progress } from '../../src/explore/found.ts';
import type { Fault } from '../../src/explore/judge.ts';
import { explore } from '../../src/explore/plain-search.ts';
import type { Variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';

export function finish<F>(search: Generator<Progress, F, string | null>): F {
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

export const plain = (variant: Variant) => finish(explore(new Program(variant), variant, { maxStates: 200_000 }));

/**
 * A fault shows as it was first met. One deadlock is the same threads in another order, or others like them; a splat is
 * the same from every step of that function and name.
 */
const nameOf = ({ kind, object, text, sites }: Fault): string =>
  kind === 'deadlock'
    ? [kind, ...sites.map((site) => `${site.function}:${site.event}:${site.object}`).toSorted()].join(' ')
    : [kind, object, text, ...sites.map((site) => `${site.function}:${site.event}`)].join(' ');

/** In a line each, in an order that does not depend on the search. */
export const faultsOf = ({ judge, sightings }: Found): readonly string[] =>
  sightings.map(({ fault, primary }) => lineOf(judge.faults[fault] as Fault, primary)).toSorted();

export const lineOf = (fault: Fault, primary: boolean): string => `${nameOf(fault)}${primary ? '' : ' (consequence)'}`;

/** Each way is played from the start, meets the fault, and for a primary one nothing else before it. */
export function waysLead(t: ExecutionContext, found: Found): void {
  const { program, judge } = found;
  const next = new Int32Array(program.width);
  for (const sighting of found.sightings) {
    const { fault, primary, byStep } = sighting;
    const state = program.initial();
    const choices = sighting.way();
    let before = false;
    let meets = false;
    for (const [i, choice] of choices.entries()) {
      before ||= judge.ofState(state, false).length > 0;
      t.true(program.choose(state, choice, next));
      const isLast = i === choices.length - 1;
      if (byStep && isLast) meets = judge.ofStep(state, choice.thread).includes(fault);
      else before ||= program.raised.length > 0;
      state.set(next);
    }
    if (!byStep) {
      const wrong = judge.ofState(state, false);
      meets = judge.ofState(state, program.isTerminal(state)).includes(fault);
      before ||= wrong.length > 0 && !wrong.includes(fault);
    }
    t.true(meets, `the way to ${judge.faults[fault]?.text} does not lead there`);
    if (primary) t.false(before, `something comes before ${judge.faults[fault]?.text}`);
  }
}
