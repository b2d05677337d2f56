/**
 * User space keeps a device open, and no other parent can be registered.
 *
 * The parent of the device is unregistered, and waits for user space to close it: as long as that likes, in slices, of
 * which the kernel does not complain. Up to v5.1 it waits with the lock of the list of all parents, so that whoever
 * registers or unregisters another waits, too, and of that it complains. Since v5.2 the parent is taken off the list, the
 * lock is let go of, and unreg_sem, which is its own, is what is held while it waits.
 */
import * as v4_10 from '../../actors/vfio/v4.10/index.ts';
import { device } from '../../machines/vfio/v4.10/index.ts';
import { call, defineScenario, type Expectation, local, variant } from '../../src/index.ts';
import { mtty4_10, mtty4_19, mtty5_10 } from './setup/mtty.ts';

const fd = local<number>('fd');
const other = local<number>('other');

const waits: Expectation = {
  kind: 'starvation',
  object: 'vdev.released',
  between: ['wait_for_completion', 'wait_for_completion'],
};
const isHeldUp: Expectation = { kind: 'hung-task', object: 'mdev_core.parent_list_lock', between: ['mutex_lock', 'mutex_lock'] };
const opens = (env: v4_10.Env) => [call(v4_10.vfio_group_get_device_fd, env).into(fd)];

export default defineScenario({
  name: 'unregister-holds-up-others',
  summary: 'The unregistration of a parent waits for user space with the lock of all parents',
  assumes: 'User space never closes the device.',
  source: '5715c4dd66a3 (v5.2-rc5), mdev_unregister_device() of v4.10, v4.19 and v5.10',
  covers: ['D-6'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.withDevice, ...mtty4_10.roomForParent, another: device },
      start: mtty4_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty4_10.unregister(objects)],
        user: opens(mtty4_10.env(objects)),
        driver: [mtty4_10.registerAnother(objects).into(other)],
      }),
      sometimes: { 'nobody is held up where the user comes too late': ({ ended }) => ended('admin') && ended('driver') },
      expect: [waits, isHeldUp],
    }),
    'v4.19': variant({
      objects: { ...mtty4_19.withDevice, ...mtty4_19.roomForParent, another: device },
      start: mtty4_19.startWithDevice,
      threads: (objects) => ({
        admin: [mtty4_19.unregister(objects)],
        user: opens(mtty4_19.env(objects)),
        driver: [mtty4_19.registerAnother(objects).into(other)],
      }),
      sometimes: { 'nobody is held up where the user comes too late': ({ ended }) => ended('admin') && ended('driver') },
      expect: [waits, isHeldUp],
    }),
    'v5.2': variant({
      objects: { ...mtty5_10.withDevice, ...mtty5_10.roomForParent, another: device },
      start: mtty5_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty5_10.unregister(objects)],
        user: opens(mtty5_10.env(objects)),
        driver: [mtty5_10.registerAnother(objects).into(other)],
      }),
      sometimes: {
        'the other is registered while the unregistration waits': ({ next, result, vdev }) =>
          next('admin') === 'wait_for_completion' && result(fd) === 0 && vdev.kref.n > 0 && result(other) === 0,
      },
      expect: [waits],
    }),
  },
});
