/**
 * A device is created while the driver of its parent is unloaded, and is left over without a vendor.
 *
 * The unregistration first walks over the devices that there are, and then removes `create`, for which it waits until
 * nobody is inside any more. Who has come in before makes a device that the walk does not meet: it is on the list of its
 * parent's children only when its driver has bound it. The device stays when the vendor's module goes. Whoever removes it
 * then goes through the vendor's operations, which are gone. v4.10 is no better for its lock of the parent, which is held
 * over a creation and over each removal, but not over the walk.
 *
 * Since v5.2 the unregistration takes unreg_sem for writing before the walk. Who creates a device tries to take it for
 * reading, and gets -ENODEV; who has it already is waited for.
 */
import { ENODEV, ENOENT } from '../../actors/vfio/errno.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { ofNewMdevs } from '../laws/mdev.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { B, mtty4_10, mtty4_19, mtty5_10 } from './setup/mtty.ts';

const created = local<number>('created');
const removed = local<number>('removed');

export default defineScenario({
  name: 'create-while-unregistered',
  summary: 'A device is created while its parent is unregistered, and outlives its vendor',
  source: '5715c4dd66a3 (v5.2-rc5), drivers/vfio/mdev/mdev_core.c of v4.10, v4.19 and v5.10',
  covers: ['D-3'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.objects, ...mtty4_10.room },
      start: mtty4_10.start,
      threads: (objects) => ({
        admin: [mtty4_10.rmmod(objects), mtty4_10.remove(objects, B).into(removed)],
        user: [mtty4_10.create(objects, B).into(created)],
      }),
      sometimes: {
        'the module is gone, and its device is not': ({ mtty, all }) => mtty.freed && all('new_mdev').some(({ freed }) => !freed),
      },
      // The others are D-38, here of the unregistration, and an order of locks: see remove-before-active and removed-twice.
      expect: [
        { kind: 'use-after-free', object: 'mtty', between: ['kfree', 'load'] },
        { kind: 'null-deref', object: 'devices_kobj' },
        { kind: 'lock-order', object: 'new_node.active' },
      ],
    }),
    'v4.19': variant({
      objects: { ...mtty4_19.objects, ...mtty4_19.room },
      start: mtty4_19.start,
      threads: (objects) => ({
        admin: [mtty4_19.rmmod(objects), mtty4_19.remove(objects, B).into(removed)],
        user: [mtty4_19.create(objects, B).into(created)],
      }),
      sometimes: {
        'the module is gone, and its device is not': ({ mtty, all }) => mtty.freed && all('new_mdev').some(({ freed }) => !freed),
      },
      expect: [{ kind: 'use-after-free', object: 'mtty', between: ['kfree', 'load'] }],
    }),
    'v5.2': variant({
      objects: { ...mtty5_10.objects, ...mtty5_10.room },
      start: mtty5_10.start,
      threads: (objects) => ({
        admin: [mtty5_10.rmmod(objects), mtty5_10.remove(objects, B).into(removed)],
        user: [mtty5_10.create(objects, B).into(created)],
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased, ...ofNewMdevs.childHasParent },
      sometimes: {
        'the create comes in while the parent is unregistered, and is refused': ({ result }) => result(created) === -ENODEV,
        'the file is gone by then': ({ result }) => result(created) === -ENOENT,
        'the device is created, and removed with its parent': ({ result, mtty }) => result(created) === 0 && mtty.freed,
        'the unregistration waits for a create': ({ next, blocked }) =>
          next('admin') === 'rwsem_down_write_slowpath' && blocked('admin'),
      },
      atEnd: {
        'no device is left': ({ all, mdev_core }) =>
          all('new_mdev').every(({ freed }) => freed) && mdev_core.mdev_list.entries.length === 0,
        'there is nothing to remove any more': ({ result }) => result(removed) === -ENOENT,
        'parent and module are gone': ({ parent, type, mtty }) => parent.freed && type.freed && mtty.freed,
      },
      leaks: { ...ofNewMdevs.parentReferences, ...moduleReferences('vfio_mdev') },
      expect: [],
    }),
  },
});
