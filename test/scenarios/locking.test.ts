/** The scenarios of `scenarios/locking/`: each design as it says, and each finding on its schedule again. */
import { readdir } from 'node:fs/promises';
import test from 'ava';
import { judgeRun } from '../../src/check/judge-run.ts';
import { LiveRun, parseSchedule, formatSchedule, replay, type Scenario, variantFor } from '../../src/index.ts';
import { isAsExpected, verdictOf } from '../helpers/scenario.ts';

const folder = new URL('../../scenarios/locking/', import.meta.url);
const files = (await readdir(folder)).filter((file) => file.endsWith('.js')).toSorted();
const scenarios = await Promise.all(
  files.map(async (file) => ((await import(new URL(file, folder).href)) as { default: Scenario }).default),
);

/** By design, what is said of the order of its locks. */
const ORDERS: { readonly [design: string]: RegExp } = {
  'igate-memory-bus/v6.18': /in a circle: refuted: in no state do the threads wait for each other$/,
  'igate-memory-bus/v6.18-hotplug': /in a circle: confirmed, see deadlock-/,
  'irq-lock/irqs-on': /with interrupts on: confirmed, see deadlock-/,
  'irq-lock/irqs-on-another-cpu': /with interrupts on: refuted: the handler runs on another CPU$/,
  'memory-locks-of-a-set/in-any-order': /of its class is held: confirmed, see deadlock-/,
  'memory-locks-of-a-set/in-any-order-under-a-lock': /refuted: &dev_set->lock is held around it$/,
  'memory-locks-of-a-set/in-one-order': /refuted: all take the locks in one order$/,
  'order-behind-a-gate/open': /in both orders: confirmed, see deadlock-/,
  'order-behind-a-gate/gate': /in both orders: refuted: &container->lock is held around both$/,
  'order-behind-a-gate/one-thread': /in both orders: refuted: one alone takes them in both orders$/,
  'read-lock-across-a-fault/v5.8': /for reading already: confirmed, see self-deadlock-/,
  'read-lock-across-a-fault/v5.8-readers-only': /refuted: in no state do the threads wait for each other$/,
};

for (const scenario of scenarios)
  for (const name of Object.keys(scenario.variants))
    test(`${scenario.name}/${name} is as it says`, async (t) => {
      const { findings } = await isAsExpected(t, scenario, name);
      const orders = findings.filter(({ kind }) => kind === 'lock-order').map(({ message }) => message);
      const said = ORDERS[`${scenario.name}/${name}`];
      t.is(orders.length, said === undefined ? 0 : 1);
      if (said !== undefined) t.regex(orders[0] ?? '', said);
    });

for (const scenario of scenarios)
  test(`the schedules of ${scenario.name} lead to its findings`, async (t) => {
    for (const name of Object.keys(scenario.variants))
      for (const { id, schedule } of (await verdictOf(scenario, name)).findings) {
        if (schedule === null) continue;
        const strategy = replay(parseSchedule(formatSchedule(schedule)));
        const { steps } = await new LiveRun(variantFor(scenario, schedule)).run(strategy);
        t.is(strategy.diverged, null);
        const raised = await judgeRun(scenario, name, steps, null, schedule.without);
        t.true(
          raised.some(({ finding }) => finding.id === id),
          id,
        );
      }
    t.pass();
  });

test('each scenario has a design that is clean', (t) => {
  for (const { name, variants } of scenarios)
    t.true(
      Object.values(variants).some(({ expect }) => expect.length === 0),
      name,
    );
});
