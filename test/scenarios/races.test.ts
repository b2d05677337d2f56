/** The scenarios of data races: each design shows what it says, by the definition that it needs, and its twin nothing. */
import test from 'ava';
import type { Finding, Scenario } from '../../src/index.ts';
import driverPointer from '../../scenarios/races/driver-pointer.ts';
import flagOutsideLock from '../../scenarios/races/flag-outside-lock.ts';
import lastPut from '../../scenarios/races/last-put.ts';
import message from '../../scenarios/races/message.ts';
import publish from '../../scenarios/races/publish.ts';
import { kernelPrint } from '../../src/reporters/kernel/print.ts';
import { findingOf, isAsExpected, shows, verdictOf } from '../helpers/scenario.ts';

for (const scenario of [flagOutsideLock, message, publish, lastPut, driverPointer])
  for (const variant of Object.keys(scenario.variants))
    test(`${scenario.name}/${variant} is as expected`, async (t) => {
      const result = await isAsExpected(t, scenario, variant);
      t.true(result.searched.includes('data-race'));
    });

const raceIn = async (scenario: Scenario, variant: string, object: string): Promise<Finding> =>
  findingOf(await verdictOf(scenario, variant), 'data-race', object);
const apart = ({ pair: { marked } }: Finding): number => (marked[1] ?? 0) - (marked[0] ?? 0);
const says = (finding: Finding): string => kernelPrint(finding, 75).says;

test('the flag races where both are about to access it, the data where nobody ever is', async (t) => {
  t.is(apart(await raceIn(message, 'plain', 'mailbox.full')), 1);
  const data = await raceIn(message, 'plain', 'mailbox.data');
  t.true(apart(data) > 1);
  shows(t, data, [
    'writer: mailbox->data = 1',
    'writer: mailbox->full = true',
    'reader: mailbox->full = true',
    'reader: mailbox->data = 1',
  ]);
  t.regex(says(data), /CONFIG_KCSAN_WEAK_MEMORY=y/);
});

test('a marked reader silences KCSAN, and mends nothing', async (t) => {
  t.regex(says(await raceIn(flagOutsideLock, 'plain', 'queue.dying')), /^A kernel with KCSAN prints there/);
  t.regex(says(await raceIn(flagOutsideLock, 'marked-reader', 'queue.dying')), /CONFIG_KCSAN_ASSUME_PLAIN_WRITES_ATOMIC=n/);
});

test('vfio_dev_viable() looks at a driver while the driver core stores it', async (t) => {
  const race = await raceIn(driverPointer, 'v5.14', 'dev.driver');
  t.deepEqual(race.fault.sites.map((site) => site.function).toSorted(), ['really_probe', 'vfio_dev_viable']);
  shows(t, race, ['user: READ_ONCE(dev->driver) = {"at":"NULL"}', 'admin: dev->driver = vfio_pci']);
});
