/** A run that ends as no order of whole operations does becomes a finding, confirmed on the live actors. */
import { countPreemptions } from '../explore/best-search.ts';
import type { Choice } from '../explore/choice.ts';
import type { Fault } from '../explore/judge.ts';
import { type Comparison, type Nearest, nearestTo } from '../explore/serial-compare.ts';
import { clauseOf, type Outcome, type Place } from '../explore/serial-outcome.ts';
import { plainName } from '../model/names.ts';
import { pairOfState, pairOfTorn, type RacingPair } from '../trace/racing-pair.ts';
import type { Trace } from '../trace/trace.ts';
import { confirm } from './confirm.ts';
import { moversIn, named, type Subject, scheduleOf } from './describe.ts';
import type { Difference, Finding } from './finding.ts';

export interface Unlike {
  readonly choices: readonly Choice[];
  readonly proven: boolean;
  readonly outcomes: number;
}

/** @returns null if a serial order ends as this run does */
export async function describeUnserial(
  subject: Subject,
  comparison: Comparison,
  { choices, proven, outcomes }: Unlike,
): Promise<Finding | null> {
  const { program, variant } = subject;
  const { live, state } = await confirm(program, variant, choices);
  const outcome = comparison.outcomes.of(state);
  const nearest = nearestTo(comparison.orders, outcome);
  if (nearest === null) return null;
  const place = comparison.outcomes.places[nearest.places[0]] as Place;
  const differences = differencesIn(comparison.outcomes.places, outcome, nearest);
  // What the id is made of says nothing of the values, which belong to one of the outcomes.
  const name = named(subject, faultAt(place), pairOf(live, place, program.world.slots[place.slot ?? -1]?.path ?? null));
  const text = sentence(differences[0] as Difference);
  return {
    ...name,
    message: `No ${text}`,
    fault: { ...name.fault, text: `no ${text}` },
    threads: moversIn(program, live),
    preemptions: countPreemptions(program, choices),
    proven,
    schedule: scheduleOf(subject, name.id, live, null),
    trace: live,
    loopFrom: null,
    without: [],
    order: null,
    symptom: null,
    serial: { order: nearest.serial.order(), differences, outcomes },
  };
}

const faultAt = ({ name, slot }: Place): Fault => ({
  id: -1,
  kind: 'non-serialisable',
  object: name,
  text: 'no order of whole operations ends like this',
  prints: null,
  sites: [],
  reads: slot === null ? [] : [slot],
});

/** The last two writes of what differs; else the step by which a call was overtaken. */
function pairOf(trace: Trace, { call }: Place, path: string | null): RacingPair {
  const written = path === null ? null : pairOfState(trace, [path]);
  if (written !== null && written.between !== null) return written;
  return pairOfTorn(trace, (step) => call !== null && step.thread === call.thread && step.call === call.index);
}

function differencesIn(places: readonly Place[], outcome: Outcome, { serial, places: differ }: Nearest): readonly Difference[] {
  return differ.map((at) => {
    const { name: object, of } = places[at] as Place;
    const [here, there] = [outcome[at] ?? '', serial.outcome[at] ?? ''];
    // Names of pool slots lose their thread, unless that is just what differs.
    const tells = plainName(here) !== plainName(there);
    return { object, of, here: tells ? plainName(here) : here, there: tells ? plainName(there) : there };
  });
}

const sentence = ({ object, of, here, there }: Difference): string =>
  `order of whole operations ends like this: ${object} ${clauseOf(of, here)}; in the nearest order it ${clauseOf(of, there)}`;
