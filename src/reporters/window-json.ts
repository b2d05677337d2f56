/** The race window of a finding as other programs read it. */
import type { Delay, Turn } from '../check/delays.ts';
import type { Window } from '../check/window.ts';
import type { Standing, TraceStep } from '../trace/trace.ts';
import { functionOf, spokenBy } from './spoken-by.ts';
import type { WindowJson } from './window-schema.ts';

export const windowJson = ({ delays, odds }: Window): WindowJson => ({ delays: delays.map(delayJson), chance: odds });

const delayJson = ({ thread, after, before, held, maySleep, meanwhile, places }: Delay) => ({
  thread,
  after: stepJson(after),
  before: stepJson(before),
  held: held.map(({ object, atomic }) => ({ lock: object, atomic })),
  maySleep,
  meanwhile: meanwhile.map(turnJson),
  places:
    places === null
      ? null
      : { count: places.count, opens: stepJson(places.opens), closes: stepJson(places.closes), atLeast: places.atLeast },
});

const turnJson = ({ thread, to }: Turn) => ({ thread, operation: to.operation, upTo: stepJson(to) });

const stepJson = (step: TraceStep | Standing) => ({
  step: 'c' in step ? step.index : null,
  says: spokenBy(step),
  function: functionOf(step),
});
