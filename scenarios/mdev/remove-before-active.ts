/**
 * A device is removed when its `remove` is there, and the device not yet active.
 *
 * In v4.10 the file comes before the pointer to the type, which who removes the device reads before it waits for the lock:
 * it gets the lock, and goes through NULL. Since there is `active`, it is told -EAGAIN. v4.19 then creates the file anew.
 * v5.2 does not, for good reason (see remove-while-unregistered), so that there is no file any more when the device becomes
 * active. It can be opened and used, and goes only with its parent. In v6.1 the time for that is longer, for the file is there
 * before the driver of the device is.
 *
 * To ask for `active` before the file is removed mends it: while the reference on the file is held, the device stays.
 */
import { EAGAIN } from '../../actors/vfio/errno.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { ofNewMdevs } from '../laws/mdev.ts';
import { remove } from './setup/asked-first.ts';
import { slots6_1 } from './setup/slots.ts';
import { B, mtty4_10, mtty4_19, mtty5_10 } from './setup/mtty.ts';

const created = local<number>('created');
const removed = local<number>('removed');

interface Device {
  readonly freed: boolean;
}
const isThere = ({ all }: { readonly all: (pool: 'new_mdev') => readonly Device[] }) =>
  all('new_mdev').some(({ freed }) => !freed);
const canBeRemoved = ({ sysfs }: { readonly sysfs: { readonly files: { readonly files: object } } }) =>
  `${B}/remove` in sysfs.files.files;

export default defineScenario({
  name: 'remove-before-active',
  summary: 'A device is removed before it is active, is refused, and cannot be removed any more',
  source: 'drivers/vfio/mdev/mdev_core.c and mdev_sysfs.c of v4.10, v4.19, v5.10 and v6.1',
  covers: ['D-12', 'D-38'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.objects, ...mtty4_10.room },
      start: mtty4_10.start,
      threads: (objects) => ({
        admin: [mtty4_10.create(objects, B).into(created)],
        user: [mtty4_10.remove(objects, B).into(removed)],
      }),
      sometimes: {
        'it waits for the lock, with what it has read': ({ next, blocked }) => next('user') === 'mutex_lock' && blocked('user'),
      },
      expect: [{ kind: 'null-deref', object: 'devices_kobj' }],
    }),
    'v4.19': variant({
      objects: { ...mtty4_19.objects, ...mtty4_19.room },
      start: mtty4_19.start,
      threads: (objects) => ({
        admin: [mtty4_19.create(objects, B).into(created)],
        user: [mtty4_19.remove(objects, B).into(removed)],
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased, ...ofNewMdevs.childHasParent },
      sometimes: {
        'it is told to try again': ({ result }) => result(removed) === -EAGAIN,
        'it is removed': ({ result }) => result(removed) === 0,
      },
      atEnd: { 'a device that is there can be removed': (view) => !isThere(view) || canBeRemoved(view) },
      leaks: { ...ofNewMdevs.parentReferences, ...moduleReferences('vfio_mdev', 'mtty') },
      expect: [],
    }),
    'v5.2': variant({
      objects: { ...mtty5_10.objects, ...mtty5_10.room },
      start: mtty5_10.start,
      threads: (objects) => ({
        admin: [mtty5_10.create(objects, B).into(created)],
        user: [mtty5_10.remove(objects, B).into(removed)],
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased, ...ofNewMdevs.childHasParent },
      sometimes: { 'it is told to try again': ({ result }) => result(removed) === -EAGAIN },
      atEnd: { 'a device that is there can be removed': (view) => !isThere(view) || canBeRemoved(view) },
      leaks: ofNewMdevs.parentReferences,
      expect: [{ kind: 'end-state', object: 'new_mdev' }],
    }),
    'v5.2-asked-first': variant({
      summary: 'As it could be: remove_store() asks whether the device is active before it removes its file.',
      objects: { ...mtty5_10.objects, ...mtty5_10.room },
      start: mtty5_10.start,
      threads: (objects) => ({
        admin: [mtty5_10.create(objects, B).into(created)],
        user: [remove(objects, B).into(removed)],
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased, ...ofNewMdevs.childHasParent },
      sometimes: {
        'it is told to try again': ({ result }) => result(removed) === -EAGAIN,
        'it is removed': ({ result }) => result(removed) === 0,
      },
      atEnd: { 'a device that is there can be removed': (view) => !isThere(view) || canBeRemoved(view) },
      leaks: { ...ofNewMdevs.parentReferences, ...moduleReferences('vfio_mdev', 'mtty') },
      expect: [],
    }),
    'v6.1': variant({
      summary: 'The file is one of the device from its beginning, and is there while its driver is still in its probe.',
      objects: slots6_1.objects,
      start: slots6_1.start(1),
      threads: (objects) => ({
        admin: [slots6_1.create(objects, B).into(created)],
        user: [slots6_1.remove(objects, B).into(removed)],
      }),
      sometimes: {
        'it is told to try again before the device is bound': ({ result, next }) =>
          result(removed) === -EAGAIN && next('admin') === 'mutex_lock',
      },
      atEnd: { 'a device that is there can be removed': (view) => !isThere(view) || canBeRemoved(view) },
      expect: [{ kind: 'end-state', object: 'new_mdev' }],
    }),
  },
});
