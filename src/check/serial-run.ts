/** Whether a run that is over ends as no order of whole operations does. */
import type { Choice } from '../explore/choice.ts';
import { counts } from '../explore/serial-compare.ts';
import { findSerialOrders } from '../explore/serial-orders.ts';
import { Outcomes } from '../explore/serial-outcome.ts';
import type { Subject } from './describe.ts';
import type { Finding } from './finding.ts';
import { describeUnserial } from './serial-finding.ts';

/** Beyond this a run is not compared: it was a search that has to tell. */
const MOST_STATES = 1_000_000;

/** @returns null where the scenario does not ask, where the run is not over, and where an order ends alike */
export async function serialOn(subject: Subject, choices: readonly Choice[]): Promise<Finding | null> {
  const { program, judge, variant } = subject;
  if (variant.serialisable === null) return null;
  const outcomes = new Outcomes(program, variant.serialisable);
  if (!counts({ program, judge, outcomes }, stateAfter(subject, choices))) return null;
  const search = findSerialOrders(program, outcomes, MOST_STATES);
  let turn = search.next();
  while (!turn.done) turn = search.next(null);
  const orders = turn.value;
  if (orders.cut !== null) return null;
  return describeUnserial(subject, { program, judge, outcomes, orders }, { choices, proven: false, outcomes: 1 });
}

/** As the search has it: what comes after a state that was wrong is marked. */
function stateAfter({ program, judge }: Subject, choices: readonly Choice[]): Int32Array {
  const state = program.initial();
  const next = state.slice();
  for (const { thread, way } of choices) {
    const wrong = judge.ofState(state, false).length > 0;
    program.choose(state, { thread, way }, next);
    if (wrong) program.taint(next);
    state.set(next);
  }
  return state;
}
