import test from 'ava';
import scenario from '../../../scenarios/register-rfc/unregister-waits-twice.ts';
import { isClean } from '../../helpers/scenario.ts';

test('the device is waited for, then the container, and the host comes after both', async (t) => {
  const { sometimes } = await isClean(t, scenario, 'rfc');
  t.deepEqual(
    sometimes.filter(({ reached }) => reached).map(({ name }) => name),
    [
      'it waits for the device',
      'the node is gone, and the group is still on its container',
      'the container has let go, and the device is still open',
      'the host comes while the group is still open',
    ],
  );
});

test('the merged design waits for the device alone, and takes the group off its container', async (t) => {
  await isClean(t, scenario, 'merged');
});
