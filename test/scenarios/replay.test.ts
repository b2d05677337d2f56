/** Each schedule that a check writes leads to its finding again, on the live actors, every time. */
import { readdir } from 'node:fs/promises';
import test from 'ava';
import { judgeRun } from '../../src/check/judge-run.ts';
import {
  checkVariant,
  type Finding,
  formatSchedule,
  LiveRun,
  parseSchedule,
  replay,
  type Scenario,
  variantFor,
} from '../../src/index.ts';

const folder = new URL('../../scenarios/register-rfc/', import.meta.url);
const files = (await readdir(folder)).filter((file) => file.endsWith('.js'));
const scenarios = await Promise.all(
  files.map(async (file) => ((await import(new URL(file, folder).href)) as { default: Scenario }).default),
);

/** How often the whole of a schedule is played: as often as it takes to believe it, and once where it takes long. */
const TIMES: { readonly [scenario: string]: number } = { 'refcount-read-set': 100 };

async function replays(scenario: Scenario, variant: string, { schedule, id, kind, trace }: Finding): Promise<readonly string[]> {
  if (schedule === null || trace === null) return [];
  const design = variantFor(scenario, schedule);
  const faults: string[] = [];
  for (let i = 0; i < (TIMES[scenario.name] ?? 2); i++) {
    const strategy = replay(parseSchedule(formatSchedule(schedule)));
    const run = await new LiveRun(design).run(strategy);
    if (strategy.diverged !== null) faults.push(`${id} diverges at step ${strategy.diverged.step}`);
    if (JSON.stringify(run.steps) !== JSON.stringify(trace.steps)) faults.push(`${id} takes other steps in run ${i}`);
  }
  if (schedule.loop === null) {
    const raised = await judgeRun(scenario, variant, trace.steps, null, schedule.without);
    if (!raised.some(({ finding, isOfVariant }) => finding.id === id && finding.kind === kind && isOfVariant))
      faults.push(`${id} is not raised again`);
  }
  return faults;
}

for (const scenario of scenarios)
  test(`the schedules of ${scenario.name} lead to its findings`, async (t) => {
    for (const variant of Object.keys(scenario.variants)) {
      const { findings } = await checkVariant(scenario, variant, { maxStates: 2_000_000 });
      for (const finding of findings) t.deepEqual(await replays(scenario, variant, finding), []);
    }
    t.pass();
  });
