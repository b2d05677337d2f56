/**
 * One device is removed twice: by user space, and by the unregistration of its parent.
 *
 * In v4.10 both do the same under the lock of the parent, and nothing tells the second that there is nothing left to do. The
 * one from user space has its pointer to the device from a file that it has removed itself, so that nobody waits for it:
 * it gets the lock when the device is freed, and calls the vendor for it a second time.
 *
 * The lock makes it worse. Who removes the device removes its file, too, and waits, with the lock, for whoever is inside
 * `remove`. Who is inside has given up its reference for as long as it took to remove the file, and then has it again,
 * and asks for the lock. Whoever had waited before, and did not look in between, waits for ever.
 *
 * A list of all devices, on which the second does not find it any more, is the answer of the next versions; with unreg_sem
 * tried under the lock of that list nothing is left of it.
 */
import { ENODEV } from '../../actors/vfio/errno.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { ofTheMdev } from '../laws/mdev.ts';
import { A, mtty4_10, mtty5_10 } from './setup/mtty.ts';
import { remove } from './setup/tried-under-list-lock.ts';

const removed = local<number>('removed');

export default defineScenario({
  name: 'removed-twice',
  summary: 'A device is removed by user space, and once more with its parent',
  source: 'drivers/vfio/mdev/mdev_core.c of v4.10, as first merged (7b96953bc640)',
  covers: ['D-37'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.withDevice, ...mtty4_10.room },
      start: mtty4_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty4_10.unregister(objects)],
        user: [mtty4_10.remove(objects, A).into(removed)],
      }),
      sometimes: {
        'the device is freed, and user space still waits for the lock to remove it': ({ mdev, next }) =>
          mdev.freed && next('user') === 'mutex_lock',
      },
      expect: [
        { kind: 'use-after-free', object: 'mdev' },
        { kind: 'use-after-free', object: 'parent' },
        { kind: 'warn', object: 'parent.lock' },
        { kind: 'deadlock', object: 'remove.active' },
        { kind: 'lock-order', object: 'remove.active' },
      ],
    }),
    'v5.2-tried-under-list-lock': variant({
      objects: mtty5_10.withDevice,
      start: mtty5_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty5_10.unregister(objects)],
        user: [remove(objects, A).into(removed)],
      }),
      always: { ...ofTheMdev.vendorIsCalledInTurn, ...ofTheMdev.listedUntilReleased },
      sometimes: {
        'user space removes it': ({ result }) => result(removed) === 0,
        'it is there no more': ({ result, mdev }) => result(removed) === -ENODEV && mdev.freed,
      },
      atEnd: { 'all is gone': ({ mdev, parent }) => mdev.freed && parent.freed },
      leaks: { ...ofTheMdev.parentReferences, ...moduleReferences('vfio_mdev', 'mtty') },
      expect: [],
    }),
  },
});
