/**
 * A device is removed while user space reads from it.
 *
 * Up to v5.1 the vendor removes its half first, and frees what a read that has begun goes through; only then is the device
 * unregistered, for which VFIO waits until nobody has it open. Since v5.2 the device goes from its bus first, so that the
 * vendor is asked when the last descriptor is closed.
 */
import * as v4_10 from '../../actors/vfio/v4.10/index.ts';
import { EINVAL, ENODEV } from '../../actors/vfio/errno.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { ofTheMdev } from '../laws/mdev.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { A, mtty4_10, mtty4_19, mtty5_10 } from './setup/mtty.ts';

const fd = local<number>('fd');
const read = local<number>('read');
const removed = local<number>('removed');

const uses = (env: v4_10.Env) => [
  call(v4_10.vfio_group_get_device_fd, env).into(fd),
  call(v4_10.vfio_device_fops_read, env).ifOk(fd).into(read),
  call(v4_10.vfio_device_fops_release, env).ifOk(fd),
];

export default defineScenario({
  name: 'remove-while-open',
  summary: 'A device is removed while user space has it open, and its vendor frees what a read goes through',
  source:
    '"vfio/mdev: Improve the create/remove sequence" (v5.2), mdev_device_remove() of v4.10, v4.19 and v5.10, samples/vfio-mdev/mtty.c',
  covers: ['D-8'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.withDevice, ...mtty4_10.room },
      start: mtty4_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty4_10.remove(objects, A).into(removed)],
        user: uses(mtty4_10.env(objects)),
      }),
      sometimes: {
        'the removal waits for the user': ({ next, vdev }) => next('admin') === 'wait_for_completion' && vdev.kref.n > 0,
      },
      expect: [
        { kind: 'use-after-free', object: 'state' },
        { kind: 'warn', object: 'state.ops_lock' },
      ],
    }),
    'v4.19': variant({
      objects: { ...mtty4_19.withDevice, ...mtty4_19.room },
      start: mtty4_19.startWithDevice,
      threads: (objects) => ({
        admin: [mtty4_19.remove(objects, A).into(removed)],
        user: uses(mtty4_19.env(objects)),
      }),
      sometimes: {
        'the removal waits for the user': ({ next, vdev }) => next('admin') === 'wait_for_completion' && vdev.kref.n > 0,
        'a read after that finds nothing': ({ result }) => result(read) === -EINVAL,
      },
      expect: [
        { kind: 'use-after-free', object: 'state' },
        { kind: 'warn', object: 'state.ops_lock' },
      ],
    }),
    'v5.2': variant({
      objects: mtty5_10.withDevice,
      start: mtty5_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty5_10.remove(objects, A).into(removed)],
        user: uses(mtty5_10.env(objects)),
      }),
      always: { ...ofTheMdev.vendorIsCalledInTurn, ...ofTheMdev.listedUntilReleased },
      sometimes: {
        'the removal waits for the user, who reads': ({ next, vdev, state }) =>
          next('admin') === 'wait_for_completion' && vdev.kref.n > 0 && state.ops_lock.owner === 'user',
        'it is gone by then': ({ result }) => result(fd) === -ENODEV,
      },
      atEnd: {
        'what was opened was read': ({ result }) => result(fd) !== 0 || result(read) === 1,
        'the device is gone': ({ mdev, state }) => mdev.freed && state.freed,
      },
      leaks: { ...ofTheMdev.parentReferences, ...moduleReferences('vfio_mdev') },
      expect: [],
    }),
  },
});
