/**
 * A parent is registered twice.
 *
 * The second registration is refused, and should leave everything as it was. Up to v5.1 it goes to an error path that puts the
 * parent at hand, if there is one, and the device else. The parent at hand is the one that it has found: the one that is
 * registered, which loses its only reference and is freed, on the list and with its types in sysfs. The reference that was
 * taken on the device stays. Since v5.2 it forgets whom it has found.
 */
import { EEXIST } from '../../actors/vfio/errno.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { mtty4_10, mtty5_10 } from './setup/mtty.ts';

const again = local<number>('again');

export default defineScenario({
  name: 'parent-registered-twice',
  summary: 'A parent is registered twice, and the refusal puts the reference of the one that is there',
  source: 'mdev_register_device() of v4.10 and v5.10, the same from v4.10 to v5.1',
  covers: ['D-1'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.objects, ...mtty4_10.roomForParent },
      start: mtty4_10.start,
      threads: (objects) => ({ driver: [mtty4_10.register(objects).into(again), mtty4_10.unregister(objects)] }),
      sometimes: {
        'the parent is freed on the list': ({ parent, mdev_core }) =>
          parent.freed && mdev_core.parent_list.entries.includes('parent'),
      },
      expect: [{ kind: 'use-after-free', object: 'parent', between: ['kfree', 'load'] }],
    }),
    'v5.2': variant({
      objects: { ...mtty5_10.objects, ...mtty5_10.roomForParent },
      start: mtty5_10.start,
      threads: (objects) => ({ driver: [mtty5_10.register(objects).into(again), mtty5_10.unregister(objects)] }),
      sometimes: {
        'it is refused, and the first is as it was': ({ result, parent, dev }) =>
          result(again) === -EEXIST && parent.ref.n === 1 && dev.kobj.n === 2,
      },
      atEnd: { 'the first is unregistered': ({ parent, type }) => parent.freed && type.freed },
      leaks: { ...moduleReferences('vfio_mdev', 'mtty'), 'dev.kobj': ({ dev }) => dev.kobj.n - 1 },
      expect: [],
    }),
  },
});
