import test from 'ava';
import scenario from '../../../scenarios/mdev/open-before-create.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

for (const variant of ['v4.10', 'v4.19'])
  test(`in ${variant} a device is opened that its vendor knows nothing of`, async (t) => {
    shows(t, findingOf(await isAsExpected(t, scenario, variant), 'null-deref', 'ops_lock'), [
      'admin: kref_init(&vdev.kref)',
      'user: kref_get_unless_zero(&vdev.kref) = true',
      'user: mtty->open = "mtty_open"',
      'user: new_mdev->driver_data = {"at":"NULL"}',
      'user: mutex_lock(&NULL->ops_lock)',
    ]);
  });

test('mtty is called out of turn, too, and survives it', async (t) => {
  await isAsExpected(t, scenario, 'v4.19-mtty');
});

test('in v5.2 the vendor has created its half when the device can be opened', async (t) => {
  await isClean(t, scenario, 'v5.2');
});
