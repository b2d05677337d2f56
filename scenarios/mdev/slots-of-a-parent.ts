/**
 * A parent has a slot for one device, and there is no memory for it.
 *
 * Since v6.1 mdev core counts the devices of a driver that does not do so itself. A slot is taken under the lock of the list,
 * before the device is allocated, and is given back when the device is released. One that could not be allocated is never
 * released, and its slot is lost: after as many failures as the parent has slots every create is refused with -EUSERS.
 */
import { EEXIST, ENOMEM, EUSERS } from '../../actors/vfio/errno.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { slots6_1 } from './setup/slots.ts';

const first = local<number>('first');
const taken = local<number>('taken');
const full = local<number>('full');
const removed = local<number>('removed');
const second = local<number>('second');

export default defineScenario({
  name: 'slots-of-a-parent',
  summary: 'A device cannot be allocated, and its slot is never given back',
  source: 'mdev_device_create() of v6.1 and v6.12',
  covers: ['D-11'],
  tags: ['seed-001'],
  variants: {
    'v6.1': variant({
      objects: slots6_1.objects,
      start: slots6_1.start(1),
      threads: (objects) => ({ admin: [slots6_1.create(objects, 'a').into(first), slots6_1.create(objects, 'b').into(second)] }),
      sometimes: {
        'there is no device, and none can be created': ({ result, mdev_core }) =>
          result(second) === -EUSERS && mdev_core.mdev_list.entries.length === 0,
      },
      leaks: {
        'parent.available_instances': ({ parent, mdev_core }) =>
          1 - mdev_core.mdev_list.entries.length - parent.available_instances.n,
      },
      expect: [{ kind: 'leak', object: 'parent.available_instances' }],
    }),
    'v6.1-given-back': variant({
      summary:
        'As it could be: the slot is given back where there is no memory. With the refusals that there are for a full parent.',
      objects: slots6_1.objects,
      start: slots6_1.start(1),
      threads: (objects) => ({
        admin: [
          slots6_1.createAndGiveBack(objects, 'a').into(first),
          slots6_1.createAndGiveBack(objects, 'a').ifOk(first).into(taken),
          slots6_1.createAndGiveBack(objects, 'b').ifOk(first).into(full),
          slots6_1.remove(objects, 'a').ifOk(first).into(removed),
          slots6_1.createAndGiveBack(objects, 'b').into(second),
        ],
      }),
      sometimes: {
        'the first comes to nothing, and the second has its slot': ({ result }) =>
          result(first) === -ENOMEM && result(second) === 0,
        'the first is removed, and the second has its slot': ({ result }) => result(removed) === 0 && result(second) === 0,
      },
      atEnd: {
        'a UUID is taken once': ({ result }) => result(first) !== 0 || result(taken) === -EEXIST,
        'no slot, no device': ({ result }) => result(first) !== 0 || result(full) === -EUSERS,
        'with a slot nothing but memory is missing': ({ result }) => result(second) === 0 || result(second) === -ENOMEM,
      },
      leaks: {
        'parent.available_instances': ({ parent, mdev_core }) =>
          1 - mdev_core.mdev_list.entries.length - parent.available_instances.n,
      },
      expect: [],
    }),
  },
});
