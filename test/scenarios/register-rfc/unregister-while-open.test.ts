import test from 'ava';
import scenario from '../../../scenarios/register-rfc/unregister-while-open.ts';
import { LiveRun, type Option, type Strategy, type Variant } from '../../../src/index.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

for (const variant of ['rfc-node', 'rfc-group', 'merged-node', 'merged-group'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

for (const variant of ['rfc-node-kept', 'merged-node-kept'])
  test(`in ${variant} the unbind waits for ever, and is not what the kernel reports`, async (t) => {
    const result = await isAsExpected(t, scenario, variant);
    const waits = findingOf(result, 'starvation', 'device.comp');
    t.deepEqual(linesOf(waits).slice((waits.loopFrom ?? 0) - 1), [
      'admin: wait_for_completion_interruptible_timeout(&device->comp): time is up',
      'admin: eventfd_signal(vdev->req_trigger)',
    ]);
    t.is(waits.fault.prints, null);
    const behind = findingOf(result, 'hung-task', 'dev.mutex');
    t.is(behind.fault.prints, 'INFO: task second blocked for more than 120 seconds.');
    t.deepEqual(
      behind.trace?.standing.filter(({ thread }) => thread === 'second').map(({ object }) => object),
      ['dev.mutex'],
    );
    shows(t, behind, ['admin: device_lock(&dev->mutex)', 'admin: eventfd_signal(vdev->req_trigger)']);
  });

test('for the container of the last device the unbind waits without slices', async (t) => {
  const stuck = findingOf(await isAsExpected(t, scenario, 'rfc-group-kept'), 'deadlock', 'group.container_q');
  shows(t, stuck, [
    'admin: complete(&device->comp)',
    'admin: try_wait_for_completion(&device->comp) = true',
    'admin: list_empty(&group->device_list) = true',
    'admin: group->container = {"at":"container"}',
  ]);
});

/** The user opens and waits; each slice ends by a signal, if it can, and else by time; then the user closes. */
function impatient(slices: string[][], most: number): Strategy {
  let isOpen = false;
  return {
    name: 'impatient',
    choose(options: readonly Option[]) {
      const of = (thread: string) => options.filter((option) => option.thread === thread);
      const ways = of('admin').filter(({ hasOtherWays }) => hasOtherWays);
      const [user] = of('user');
      const [admin] = of('admin');
      if (!isOpen && user !== undefined) {
        isOpen = /try_module_get|df->device = /.test(user.c);
        return user;
      }
      if (slices.length === most) return ways.find(({ wayName }) => wayName === 'done') ?? user ?? admin ?? null;
      if (ways.length > 0) slices.push(ways.map(({ wayName }) => wayName));
      return ways.find(({ wayName }) => wayName === 'signal') ?? admin ?? null;
    },
  };
}

for (const name of ['rfc-node', 'merged-node'])
  test(`in ${name} a signal ends one slice, and those after it hear none`, async (t) => {
    const slices: string[][] = [];
    const { steps } = await new LiveRun(scenario.variants[name] as Variant).run(impatient(slices, 4));
    t.deepEqual(slices, [['timeout', 'signal'], ['timeout'], ['timeout'], ['timeout']]);
    const waits = steps.filter(({ way }) => way !== null).map(({ c }) => c);
    t.deepEqual(waits, [
      'wait_for_completion_interruptible_timeout(&device->comp): a signal',
      'wait_for_completion_timeout(&device->comp): time is up',
      'wait_for_completion_timeout(&device->comp): time is up',
      'wait_for_completion_timeout(&device->comp): time is up',
      'wait_for_completion_timeout(&device->comp)',
    ]);
    // The user is asked before each slice.
    t.is(steps.filter(({ c }) => c.startsWith('eventfd_signal')).length, 5);
    t.is(steps.filter(({ c }) => c === 'kfree(device)').length, 1);
  });
