/**
 * A device can be opened before its vendor has created it.
 *
 * Up to v5.1 the device is registered first, its driver is bound, VFIO shows it, and only then is the vendor asked to create
 * its half. User space that looks out for new groups opens it in between. A vendor whose open goes through what its create
 * has set finds NULL there, as kvmgt does; mtty looks, and reads give -EINVAL: which is no harm, and still a call out of turn.
 * Since v5.2 the vendor comes first.
 */
import type { Operation } from '../../actors/step.ts';
import { load } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import * as v4_10 from '../../actors/vfio/v4.10/index.ts';
import { EINVAL, ENODEV } from '../../actors/vfio/errno.ts';
import type { MdevDevice, MdevState } from '../../machines/vfio/v4.10/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { ofNewMdevs } from '../laws/mdev.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { B, mtty4_10, mtty4_19, mtty5_10 } from './setup/mtty.ts';

const created = local<number>('created');
const fd = local<number>('fd');
const read = local<number>('read');

/** A vendor's open that is at once about the state that its create has made. */
function* vendor_open(mdev: MdevDevice): Operation<number> {
  const { ops_lock } = (yield* load(mdev.driver_data)) as MdevState;
  yield* mutex_lock(ops_lock);
  yield* mutex_unlock(ops_lock);
  return 0;
}

const opening = <E extends v4_10.Env>(env: E): E => ({ ...env, vendor: { ...env.vendor, open: vendor_open } });
const uses = (env: v4_10.Env) => [
  call(v4_10.vfio_group_get_device_fd, env).into(fd),
  call(v4_10.vfio_device_fops_read, env).ifOk(fd).into(read),
  call(v4_10.vfio_device_fops_release, env).ifOk(fd),
];

export default defineScenario({
  name: 'open-before-create',
  summary: 'A device is opened before its vendor has created it',
  source: '"vfio/mdev: Improve the create/remove sequence" (v5.2), mdev_device_create() of v4.10, v4.19 and v5.10',
  covers: ['D-7'],
  tags: ['seed-001'],
  variants: {
    'v4.10': variant({
      objects: { ...mtty4_10.objects, ...mtty4_10.room },
      start: mtty4_10.start,
      threads: (objects) => ({
        admin: [mtty4_10.create(objects, B).into(created)],
        user: uses(opening(mtty4_10.env(objects))),
      }),
      sometimes: { 'it is opened in time': ({ result }) => result(fd) === 0 && result(created) === 0 },
      expect: [{ kind: 'null-deref', object: 'ops_lock' }],
    }),
    'v4.19': variant({
      objects: { ...mtty4_19.objects, ...mtty4_19.room },
      start: mtty4_19.start,
      threads: (objects) => ({
        admin: [mtty4_19.create(objects, B).into(created)],
        user: uses(opening(mtty4_19.env(objects))),
      }),
      sometimes: { 'it is opened in time': ({ result }) => result(fd) === 0 && result(created) === 0 },
      expect: [{ kind: 'null-deref', object: 'ops_lock' }],
    }),
    'v4.19-mtty': variant({
      summary: 'The vendor is mtty, whose open does nothing, and whose read looks whether there is a state.',
      objects: { ...mtty4_19.objects, ...mtty4_19.room },
      start: mtty4_19.start,
      threads: (objects) => ({
        admin: [mtty4_19.create(objects, B).into(created)],
        user: uses(mtty4_19.env(objects)),
      }),
      always: ofNewMdevs.vendorIsCalledInTurn,
      sometimes: { 'nothing can be read yet': ({ result }) => result(read) === -EINVAL },
      expect: [{ kind: 'invariant', object: 'new_mdev' }],
    }),
    'v5.2': variant({
      objects: { ...mtty5_10.objects, ...mtty5_10.room },
      start: mtty5_10.start,
      threads: (objects) => ({
        admin: [mtty5_10.create(objects, B).into(created)],
        user: uses(opening(mtty5_10.env(objects))),
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased },
      sometimes: {
        'it is opened before the create has returned': ({ result, next }) =>
          result(fd) === 0 && next('admin') === 'klist_add_tail',
        'it is not there yet': ({ result }) => result(fd) === -ENODEV,
      },
      atEnd: { 'what was opened was read': ({ result }) => result(fd) !== 0 || result(read) === 1 },
      leaks: { ...ofNewMdevs.parentReferences, ...moduleReferences('vfio_mdev') },
      expect: [],
    }),
  },
});
