/**
 * The life of a mediated device, from the registration of its parent to its end, beside a user who opens and reads it.
 *
 * Each call is one that its caller makes: the driver registers the parent, an administrator writes UUIDs to `create` and 1 to
 * `remove`, a user asks its group for the device. A UUID can be taken once; a device that is there no more, and a parent that
 * is there no more, have no file to write to. A user who comes too early or too late gets no descriptor, and one who has
 * a descriptor is waited for.
 */
import * as v4_10 from '../../actors/vfio/v4.10/index.ts';
import { EEXIST, ENODEV, ENOENT } from '../../actors/vfio/errno.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { ofNewMdevs } from '../laws/mdev.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { A, mtty4_10, mtty4_19, mtty5_10 } from './setup/mtty.ts';

const registered = local<number>('registered');
const created = local<number>('created');
const again = local<number>('again');
const removed = local<number>('removed');
const gone = local<number>('gone');
const late = local<number>('late');
const fd = local<number>('fd');
const read = local<number>('read');

const uses = (env: v4_10.Env) => [
  call(v4_10.vfio_group_get_device_fd, env).into(fd),
  call(v4_10.vfio_device_fops_read, env).ifOk(fd).into(read),
  call(v4_10.vfio_device_fops_release, env).ifOk(fd),
];

type Result = { readonly result: <R>(of: { readonly local: string; readonly holds?: R }) => R | undefined };
const refusals = {
  'the parent is registered': ({ result }: Result) => result(registered) === 0,
  'the device is created': ({ result }: Result) => result(created) === 0,
  'its UUID is taken': ({ result }: Result) => result(again) === -EEXIST,
  'it is removed': ({ result }: Result) => result(removed) === 0,
  'it cannot be removed again': ({ result }: Result) => result(gone) === -ENOENT,
  'nothing is created without a parent': ({ result }: Result) => result(late) === -ENOENT,
};

type Gone = {
  readonly all: (pool: 'new_mdev' | 'new_state' | 'new_parent' | 'new_type') => readonly { readonly freed: boolean }[];
};
const nothingIsLeft = {
  new_mdev: ({ all }: Gone) => all('new_mdev').filter(({ freed }) => !freed).length,
  new_state: ({ all }: Gone) => all('new_state').filter(({ freed }) => !freed).length,
  new_parent: ({ all }: Gone) => all('new_parent').filter(({ freed }) => !freed).length,
  new_type: ({ all }: Gone) => all('new_type').filter(({ freed }) => !freed).length,
  'dev.kobj': ({ dev }: { readonly dev: { readonly kobj: { readonly n: number } } }) => dev.kobj.n - 1,
  'sysfs.files': ({ sysfs }: { readonly sysfs: { readonly files: { readonly files: object } } }) =>
    Object.keys(sysfs.files.files).length,
  'mtty.mdev_devices_list': ({
    mtty,
  }: {
    readonly mtty: { readonly mdev_devices_list: { readonly entries: readonly string[] } };
  }) => mtty.mdev_devices_list.entries.length,
  ...moduleReferences('vfio_mdev', 'mtty'),
};

type Opened = Result & {
  readonly next: (thread: string) => string | null;
  readonly vdev: { readonly kref: { readonly n: number } };
};
const windows = {
  'the user has no device yet, or no more': ({ result }: Opened) => result(fd) === -ENODEV,
  'the removal waits for the user': ({ next, vdev }: Opened) => next('admin') === 'wait_for_completion' && vdev.kref.n > 0,
};

export default defineScenario({
  name: 'mdev-lifecycle',
  summary: 'A parent is registered, a device created, opened, closed and removed, and the parent unregistered',
  source: 'drivers/vfio/mdev of v4.10, v4.19 and v5.10, with samples/vfio-mdev/mtty.c',
  covers: [],
  tags: ['seed-001', 'nominal'],
  variants: {
    'v4.10': variant({
      assumes: 'Nobody opens the device before it is created, or reads from it while it is removed: see D-7 and D-8.',
      objects: { ...mtty4_10.beforeParent, ...mtty4_10.room, ...mtty4_10.roomForParent },
      threads: (objects) => ({
        admin: [
          mtty4_10.register(objects).into(registered),
          mtty4_10.create(objects, A).into(created),
          mtty4_10.create(objects, A).into(again),
          ...uses(mtty4_10.env(objects)),
          mtty4_10.remove(objects, A).into(removed),
          mtty4_10.remove(objects, A).into(gone),
          mtty4_10.unregister(objects),
          mtty4_10.create(objects, A).into(late),
        ],
      }),
      always: ofNewMdevs.vendorIsCalledInTurn,
      sometimes: { 'it is read': ({ result }) => result(read) === 1 },
      atEnd: refusals,
      leaks: nothingIsLeft,
      expect: [],
    }),
    'v4.19': variant({
      assumes: 'Nobody opens the device before it is created, or reads from it while it is removed: see D-7 and D-8.',
      objects: { ...mtty4_19.beforeParent, ...mtty4_19.room, ...mtty4_19.roomForParent },
      threads: (objects) => ({
        admin: [
          mtty4_19.register(objects).into(registered),
          mtty4_19.create(objects, A).into(created),
          mtty4_19.create(objects, A).into(again),
          ...uses(mtty4_19.env(objects)),
          mtty4_19.remove(objects, A).into(removed),
          mtty4_19.remove(objects, A).into(gone),
          mtty4_19.unregister(objects),
          mtty4_19.create(objects, A).into(late),
        ],
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased },
      sometimes: { 'it is read': ({ result }) => result(read) === 1 },
      atEnd: refusals,
      leaks: nothingIsLeft,
      expect: [],
    }),
    'v5.2': variant({
      objects: { ...mtty5_10.beforeParent, ...mtty5_10.room, ...mtty5_10.roomForParent },
      threads: (objects) => ({
        admin: [
          mtty5_10.register(objects).into(registered),
          mtty5_10.create(objects, A).into(created),
          mtty5_10.create(objects, A).into(again),
          mtty5_10.remove(objects, A).into(removed),
          mtty5_10.remove(objects, A).into(gone),
          mtty5_10.unregister(objects),
          mtty5_10.create(objects, A).into(late),
        ],
        user: uses(mtty5_10.env(objects)),
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased },
      sometimes: windows,
      atEnd: { ...refusals, 'what was opened was read': ({ result }) => result(fd) !== 0 || result(read) === 1 },
      leaks: nothingIsLeft,
      expect: [],
    }),
    'v5.2-unregistered': variant({
      summary: 'The device is not removed by itself, but with its parent.',
      objects: { ...mtty5_10.beforeParent, ...mtty5_10.room, ...mtty5_10.roomForParent },
      threads: (objects) => ({
        admin: [
          mtty5_10.register(objects).into(registered),
          mtty5_10.create(objects, A).into(created),
          mtty5_10.unregister(objects),
        ],
        user: uses(mtty5_10.env(objects)),
      }),
      always: { ...ofNewMdevs.vendorIsCalledInTurn, ...ofNewMdevs.listedUntilReleased },
      sometimes: windows,
      atEnd: { 'what was opened was read': ({ result }) => result(fd) !== 0 || result(read) === 1 },
      leaks: nothingIsLeft,
      expect: [],
    }),
  },
});
