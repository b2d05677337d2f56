import test from 'ava';
import getAfterZero from '../../scenarios/references/get-after-zero.ts';
import kthreadOutlivesDevice from '../../scenarios/references/kthread-outlives-device.ts';
import leakOnErrorPath from '../../scenarios/references/leak-on-error-path.ts';
import putWithoutGet from '../../scenarios/references/put-without-get.ts';
import type { Finding } from '../../src/index.ts';
import { findingText } from '../../src/reporters/finding-text.ts';
import { plain } from '../../src/reporters/layout.ts';
import { findingOf, isAsExpected, isClean, shows } from '../helpers/scenario.ts';
import { isGolden } from '../reporters/golden.ts';

const replay = ({ id }: Pick<Finding, 'id'>) => `npx interlock replay schedules/${id}.schedule`;
const reportOf = (finding: Finding): string =>
  [...findingText(finding, { paint: plain, allSteps: false, placeOf: null, replay }), ''].join('\n');

test('an open that fails halfway leaks its reference, and the ledger names the get', async (t) => {
  const report = reportOf(findingOf(await isAsExpected(t, leakOnErrorPath, 'forgotten'), 'leak', 'device'));
  isGolden(t, 'leak-on-error-path.txt', report);
  t.true(report.includes('taken at step 3 by user in device_find() under device_open(), never put'));
  await isClean(t, leakOnErrorPath, 'put');
});

test('who puts what was refused is named, though the counter warns only that it was put below 0', async (t) => {
  const report = reportOf(findingOf(await isAsExpected(t, putWithoutGet, 'unchecked'), 'refcount', 'device.refs'));
  t.true(report.includes('what it asked for at step 7 was refused.'));
  await isClean(t, putWithoutGet, 'paired');
});

test('of two puts for one get the second is named, though the counter warns at a later one that is in order', async (t) => {
  const finding = findingOf(await isAsExpected(t, putWithoutGet, 'put-twice'), 'refcount', 'device.refs');
  isGolden(t, 'put-without-get.txt', reportOf(finding));
  t.is(finding.trace?.steps.at(-1)?.thread, 'remover');
  t.true(reportOf(finding).includes('By thread, the put at step 3 by user in device_put() under device_release()\n  had no get'));
});

test('a get from 0 comes with who had made the last put', async (t) => {
  const report = reportOf(findingOf(await isAsExpected(t, getAfterZero, 'inc'), 'refcount', 'device.refs'));
  isGolden(t, 'get-after-zero.txt', report);
  t.true(report.includes('It had come to 0 at step 3, by remover in device_put()'));
  await isClean(t, getAfterZero, 'inc-not-zero');
});

test('a thread that polls a device is stopped before the device is freed, or touches it afterwards', async (t) => {
  const freed = findingOf(await isAsExpected(t, kthreadOutlivesDevice, 'freed-first'), 'use-after-free', 'device');
  shows(t, freed, [
    'admin: wake_up_process(&driver.poller) = true',
    'admin: kfree(device)',
    'poller: WRITE_ONCE(device->status, true)',
  ]);
  await isClean(t, kthreadOutlivesDevice, 'stopped-first');
});
