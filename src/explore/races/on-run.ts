/**
 * The data races of one run: pairs that its synchronisation does not order, and steps that follow each other and could
 * both have been next. The latter are not ordered either, but where one of the two releases what the other acquires.
 */
import type { Program } from '../../tables/program.ts';
import type { Choice } from '../choice.ts';
import { Footprints } from '../dpor/footprint.ts';
import { Run } from '../dpor/run.ts';
import type { Judge } from '../judge.ts';
import { CoEnabled, type Meeting } from './co-enabled.ts';

export interface RaceOnRun {
  readonly fault: number;
  /** The two accesses, as places in the run. */
  readonly earlier: number;
  readonly at: number;
}

export function racesOn(program: Program, judge: Judge, choices: readonly Choice[]): readonly RaceOnRun[] {
  const footprints = new Footprints(program, 'location', []);
  const run = new Run(program, footprints);
  const coEnabled = new CoEnabled(program, judge);
  const found: RaceOnRun[] = [];
  const add = (race: RaceOnRun) => {
    if (!found.some(({ fault, at }) => fault === race.fault && at === race.at)) found.push(race);
  };
  for (const [at, { thread, way: nth }] of choices.entries()) {
    const [before, after] = [run.state(at), run.state(at + 1)];
    const position = program.position(before, thread);
    const way = position.firstWay + nth;
    program.take(before, thread, way, after);
    run.push(footprints.of(before, thread, way, after));
    const last = choices[at - 1];
    if (last !== undefined && last.thread !== thread)
      for (const meeting of coEnabled.of(run.state(at - 1)))
        if (isOf(meeting, last, choices[at] as Choice)) add({ fault: meeting.fault, earlier: at - 1, at });
    for (const { earlier, slots } of run.dataRaces) {
      const other = run.step(earlier);
      const accesses = [
        { position: program.position(run.state(earlier), other.thread), way: other.way },
        { position, way },
      ] as const;
      for (const slot of slots) add({ fault: judge.ofRace(slot, accesses).id, earlier, at });
    }
  }
  return found;
}

const isOf = ({ choices }: Meeting, first: Choice, second: Choice): boolean => {
  const [one, other] = choices;
  return (isSame(one, first) && isSame(other, second)) || (isSame(one, second) && isSame(other, first));
};

const isSame = (one: Choice, other: Choice): boolean => one.thread === other.thread && one.way === other.way;
