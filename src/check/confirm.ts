/** Plays what the tables found on the live actors. They must agree in every answer, or the checker is broken. */
import type { Choice } from '../explore/choice.ts';
import { LiveRun, type LiveResult } from '../live/live-run.ts';
import { given } from '../live/strategies/given.ts';
import { InternalError } from '../model/errors.ts';
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { stateName } from '../model/names.ts';

export interface Played {
  /** The state of the tables after the last choice. */
  readonly state: Int32Array;
  readonly live: LiveResult;
}

/** @throws InternalError that names both answers, if the live actors give another */
export async function confirm(program: Program, variant: Variant, choices: readonly Choice[]): Promise<Played> {
  const names = program.world.threads.map(({ name }) => name);
  const live = await new LiveRun(variant).run(given(choices.map(({ thread, way }) => ({ thread: names[thread] ?? '', way }))));
  const state = program.initial();
  const next = new Int32Array(program.width);
  for (const [i, { thread, way }] of choices.entries()) {
    const taken = program.choose(state, { thread, way }, next);
    const tables = taken
      ? program.raised.map(({ slot, splat }) => `${program.world.nameOf(slot)}: ${splat.text}`).join('; ')
      : 'not enabled';
    const actors = live.steps[i]?.splats.map((splat) => `${splat.object}: ${splat.text}`).join('; ') ?? 'not reached';
    differ(`Step ${i + 1}`, tables, actors);
    state.set(next);
  }
  for (const [thread, key] of live.positions.entries())
    differ(`After ${choices.length} steps "${names[thread]}"`, program.position(state, thread).key, key);
  for (const { index, path } of program.world.slots) {
    const { value, context } = program.snapshot(state, index);
    const tables = JSON.stringify({ state: stateName(value), context });
    differ(`After ${choices.length} steps "${path}"`, tables, live.conditions[index] ?? '');
  }
  return { state, live };
}

function differ(what: string, tables: string, actors: string): void {
  if (tables !== actors)
    throw new InternalError(`${what}: the tables say ${tables || 'nothing'}, the live actors ${actors || 'nothing'}`);
}
