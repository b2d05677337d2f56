/**
 * User space removes a device while the driver of its parent is unloaded.
 *
 * Who writes to `remove` removes that file first, which gives up the reference that anybody who tears down the directory
 * would wait for. From then on nothing is held. In v4.19 it then says that the device is not active any more; the
 * unregistration, which meets the device on its walk, is told -EAGAIN, does without it, and ends with the types and the
 * vendor's module gone: the call of the vendor's remove is a jump into nothing, and the type that the device was linked to is
 * freed. Where it is the unregistration that has won, `remove` is refused, and its file created anew, on a device that is
 * freed.
 *
 * Since v5.2 the unregistration does not ask whether the device is active, and who removes it goes on only with unreg_sem.
 * Whoever has that before the unregistration is safe. What is left is the way there: between the lock of the list and
 * unreg_sem nothing is held still, and both the device, where the pointer to the parent is, and the parent, where unreg_sem is,
 * may be freed; and who gets unreg_sem when the unregistration has just let go of it goes on with a device that is freed. To try
 * unreg_sem before the lock of the list is let go of is enough: a device that is on the list holds its parent.
 */
import { EAGAIN, ENODEV, ENOENT } from '../../actors/vfio/errno.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { ofTheMdev } from '../laws/mdev.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { A, mtty4_19, mtty5_10 } from './setup/mtty.ts';
import { remove } from './setup/tried-under-list-lock.ts';

const removed = local<number>('removed');

export default defineScenario({
  name: 'remove-while-unregistered',
  summary: 'A device is removed by user space and with its parent at once',
  source:
    '"Avoid creating sysfs remove file on stale device removal" and 5715c4dd66a3 (v5.2), drivers/vfio/mdev/mdev_core.c of v4.19 and v5.10',
  covers: ['D-2', 'D-5', 'D-31'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      objects: { ...mtty4_19.withDevice, ...mtty4_19.room },
      start: mtty4_19.startWithDevice,
      threads: (objects) => ({
        admin: [mtty4_19.rmmod(objects)],
        user: [mtty4_19.remove(objects, A).into(removed)],
      }),
      sometimes: {
        'the unregistration is told -EAGAIN, and takes the type away': ({ type, mdev }) => type.freed && !mdev.freed,
      },
      expect: [
        { kind: 'use-after-free', object: 'mtty' },
        { kind: 'use-after-free', object: 'type' },
        { kind: 'use-after-free', object: 'mdev' },
        { kind: 'warn', object: 'mtty.mdev_list_lock' },
      ],
    }),
    'v5.2': variant({
      objects: mtty5_10.withDevice,
      start: mtty5_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty5_10.rmmod(objects)],
        user: [mtty5_10.remove(objects, A).into(removed)],
      }),
      sometimes: {
        'it comes in while the parent is unregistered, and is refused': ({ result }) => result(removed) === -ENODEV,
        'the unregistration waits for a remove': ({ next, blocked }) =>
          next('admin') === 'rwsem_down_write_slowpath' && blocked('admin'),
      },
      expect: [
        { kind: 'use-after-free', object: 'mdev', between: ['kfree', 'load'] },
        { kind: 'use-after-free', object: 'parent', between: ['kfree', 'down_read_trylock'] },
        { kind: 'warn', object: 'parent.unreg_sem' },
      ],
    }),
    'v5.2-tried-under-list-lock': variant({
      summary: 'As it could be: unreg_sem is tried before the lock of the list is let go of.',
      objects: mtty5_10.withDevice,
      start: mtty5_10.startWithDevice,
      threads: (objects) => ({
        admin: [mtty5_10.rmmod(objects)],
        user: [remove(objects, A).into(removed)],
      }),
      always: { ...ofTheMdev.vendorIsCalledInTurn, ...ofTheMdev.listedUntilReleased, ...ofTheMdev.childHasParent },
      sometimes: {
        'user space removes it': ({ result }) => result(removed) === 0,
        'it comes in while the parent is unregistered, and is refused': ({ result }) => result(removed) === -ENODEV,
        'the file is gone by then': ({ result }) => result(removed) === -ENOENT,
        'it has removed the file itself, and the device is freed': ({ mdev, next }) =>
          mdev.freed && next('user') === 'list_first_entry',
      },
      atEnd: {
        'all is gone': ({ mdev, parent, type, mtty }) => mdev.freed && parent.freed && type.freed && mtty.freed,
        'it is never told to try again': ({ result }) => result(removed) !== -EAGAIN,
      },
      leaks: { ...ofTheMdev.parentReferences, ...moduleReferences('vfio_mdev') },
      expect: [],
    }),
  },
});
