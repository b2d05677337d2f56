import test from 'ava';
import { judgeRun, type LoopOnRun } from '../../src/check/judge-run.ts';
import {
  checkVariant,
  type Finding,
  formatSchedule,
  LiveRun,
  parseSchedule,
  replay,
  type Schedule,
  variantFor,
} from '../../src/index.ts';
import { samples } from '../reporters/samples.ts';
import { splats } from '../reporters/splats.ts';

const steps = (runs: Schedule['runs']): number => runs.reduce((sum, run) => sum + run.steps, 0);
const loopOf = ({ runs, loop }: Schedule): LoopOnRun | null =>
  loop === null ? null : { after: steps(runs.slice(0, loop)), length: steps(runs.slice(loop)) };

/** The findings to which the schedule of a finding leads, after it has been written and read. */
async function replayed(scenario: typeof samples, variant: string, finding: Finding) {
  const schedule = parseSchedule(formatSchedule(finding.schedule as Schedule));
  const design = variantFor(scenario, schedule);
  const strategy = replay(schedule);
  const live = await new LiveRun(design).run(strategy);
  return {
    diverged: strategy.diverged,
    raised: await judgeRun(scenario, variant, live.steps, loopOf(schedule), schedule.without),
  };
}

for (const scenario of [samples, splats])
  for (const variant of Object.keys(scenario.variants))
    test(`each schedule of ${scenario.name}/${variant} leads to its finding again, with its kind and id`, async (t) => {
      const { findings, consequences } = await checkVariant(scenario, variant, { maxStates: 100_000 });
      for (const finding of [...findings, ...consequences].filter(({ schedule }) => schedule !== null)) {
        const { diverged, raised } = await replayed(scenario, variant, finding);
        t.is(diverged, null);
        const again = raised.find(({ finding: { id } }) => id === finding.id);
        t.is(again?.finding.kind, finding.kind, finding.id);
        t.is(again?.primary, findings.includes(finding));
        t.true(again?.isOfVariant);
      }
      t.pass();
    });

test('a schedule leads to the same finding a hundred times out of a hundred', async (t) => {
  const { findings } = await checkVariant(samples, 'refcount', { maxStates: 100_000 });
  const [finding] = findings as readonly [Finding];
  const ids = new Set<string>();
  for (let time = 0; time < 100; time++) {
    const { raised } = await replayed(samples, 'refcount', finding);
    ids.add(raised.map(({ finding: { id } }) => id).join(' '));
  }
  t.deepEqual([...ids], [finding.id]);
});

test('a loop that does not come back to where it began proves nothing', async (t) => {
  const { findings } = await checkVariant(samples, 'starvation', { maxStates: 100_000 });
  const schedule = findings[0]?.schedule as Schedule;
  const live = await new LiveRun(samples.variants['starvation'] as NonNullable<(typeof samples.variants)[string]>).run(
    replay(schedule),
  );
  const loop = loopOf(schedule) as LoopOnRun;
  t.is((await judgeRun(samples, 'starvation', live.steps, loop)).length, 1);
  t.is((await judgeRun(samples, 'starvation', live.steps, { ...loop, length: loop.length - 1 })).length, 0);
});

test('a run without a finding raises none', async (t) => {
  const variant = samples.variants['clean'] as NonNullable<(typeof samples.variants)[string]>;
  const live = await new LiveRun(variant).run({ name: 'first', choose: ([first]) => first ?? null });
  t.deepEqual(await judgeRun(samples, 'clean', live.steps), []);
});
