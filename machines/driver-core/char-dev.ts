import { assign } from 'xstate';
import { done, NULL_NAME, part, reply, setupObject, splat } from '../object.ts';

type Pointer = { readonly path: string };

/**
 * What the file system knows of character devices (fs/char_dev.c, drivers/base/map.c, drivers/base/devtmpfs.c): the node
 * in /dev, the entry in cdev_map, the cdev that an inode has kept, and the references on the cdev. It outlives the device,
 * as inodes do: who opens a node that is gone by now must find that out without touching the device.
 *
 * An inode goes by the device whose node it is or was. It keeps the cdev that its first open has found, until that cdev
 * is gone; without one, an open goes by the number, and finds whose number it is by then.
 *
 * To find a cdev and to get it is one step. In C it is a look at inode->i_cdev under cdev_lock and, where that is NULL, a
 * look-up under chrdevs_lock, each of which gets the cdev unless its count is 0; who comes between the two can only
 * turn one answer, pinned or -ENXIO, into another that it would have had a moment earlier or later.
 *
 * Left out: the module that owns the cdev, which is vfio itself.
 */
export type CharDevices = {
  cdev_init: { with: { device: Pointer } };
  kobj_map: { with: { device: Pointer; devt: string } };
  kobj_unmap: { with: { device: Pointer } };
  /** The device whose cdev it is, or NULL. */
  cdev_get: { with: { device: Pointer; i_rdev: string }; reply: Pointer };
  cdev_put: { with: { device: Pointer }; reply: boolean };
  devtmpfs_create_node: { with: { device: Pointer } };
  devtmpfs_delete_node: { with: { device: Pointer } };
  /** `inode->i_rdev`, or NULL where there is no such node. */
  path_lookupat: { with: { device: Pointer }; reply: string | null };
};

export type Cdev = {
  readonly refs: number;
  /** How many entries of cdev_map lead to it. */
  readonly mapped: number;
  /** `i_cdev` of the inode of its node: the device whose cdev that is. */
  readonly i_cdev: string | null;
  readonly node: boolean;
  /** Its number, with the name of its region in front; it is the node's, too. */
  readonly devt: string;
};
type Cdevs = { readonly cdevs: { readonly [device: string]: Cdev } };

const absent: Cdev = { refs: 0, mapped: 0, i_cdev: null, node: false, devt: '' };
const most = 16;

const nameOf = (event: object): string => ('device' in event ? (event.device as { at: string }).at : '');
const cdevOf = ({ cdevs }: Cdevs, event: object): Cdev => cdevs[nameOf(event)] ?? absent;

/** What is gone without a trace leaves none here, or two ways to the same state would look different. */
const changed = (context: Cdevs, event: object, change: Partial<Cdev>): Cdevs => {
  const entries = Object.entries({ ...context.cdevs, [nameOf(event)]: { ...cdevOf(context, event), ...change } });
  const left = entries.filter(([, { refs, mapped, i_cdev, node }]) => refs > 0 || mapped > 0 || i_cdev !== null || node);
  return { cdevs: Object.fromEntries(left.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
};

/** Whose cdev an open of that inode gets. */
const findable = (context: Cdevs, event: object): string | undefined => {
  const { i_cdev } = cdevOf(context, event);
  const isIt = ([name, { mapped, devt }]: [string, Cdev]) =>
    i_cdev === null ? 'i_rdev' in event && mapped > 0 && devt === event.i_rdev : name === i_cdev;
  return Object.entries(context.cdevs).find((entry) => entry[1].refs > 0 && isIt(entry))?.[0];
};

const found = (context: Cdevs, event: object): Cdevs => {
  const name = findable(context, event) ?? '';
  const kept = changed(context, event, { i_cdev: name });
  const cdev = kept.cdevs[name] ?? absent;
  return { cdevs: { ...kept.cdevs, [name]: { ...cdev, refs: cdev.refs + 1 } } };
};

/** Also where the inode is another's. */
const purged = (context: Cdevs, event: object): Cdevs => {
  const forgotten = Object.entries(context.cdevs).map(([name, cdev]) => [
    name,
    cdev.i_cdev === nameOf(event) ? { ...cdev, i_cdev: null } : cdev,
  ]);
  return changed({ cdevs: Object.fromEntries(forgotten) }, event, { refs: 0 });
};

const liveCdevInitialised = splat({
  kind: 'refcount',
  text: 'cdev_init() wipes a cdev that is open: the references of its files are lost',
  prints: null,
});
const cdevUnderflow = splat({
  kind: 'refcount',
  text: 'a cdev is put below 0',
  prints: 'refcount_t: underflow; use-after-free.',
});

const charDevicesMachine = setupObject<Cdevs, CharDevices>()
  .extend({
    guards: {
      isInUse: ({ context, event }) => cdevOf(context, event).refs > 0,
      isOpen: ({ context, event }) => cdevOf(context, event).refs > 1,
      isOnlyReference: ({ context, event }) => cdevOf(context, event).refs === 1,
      isFindable: ({ context, event }) => findable(context, event) !== undefined,
      hasNode: ({ context, event }) => cdevOf(context, event).node,
    },
    actions: {
      init: assign(({ context, event }) => changed(context, event, { refs: 1, i_cdev: null })),
      map: assign(({ context, event }) => {
        const { mapped, devt } = cdevOf(context, event);
        return changed(context, event, { mapped: mapped + 1, devt: 'devt' in event ? event.devt : devt });
      }),
      unmap: assign(({ context, event }) => changed(context, event, { mapped: Math.max(0, cdevOf(context, event).mapped - 1) })),
      get: assign(({ context, event }) => found(context, event)),
      put: assign(({ context, event }) => changed(context, event, { refs: cdevOf(context, event).refs - 1 })),
      purge: assign(({ context, event }) => purged(context, event)),
      show: assign(({ context, event }) => changed(context, event, { node: true })),
      hide: assign(({ context, event }) => changed(context, event, { node: false })),
    },
  })
  .createMachine({
    id: 'chrdevs',
    context: ({ input }) => input,
    on: {
      cdev_init: [{ guard: 'isOpen', actions: ['init', liveCdevInitialised, done] }, { actions: ['init', done] }],
      kobj_map: { actions: ['map', done] },
      kobj_unmap: { actions: ['unmap', done] },
      cdev_get: [
        {
          guard: 'isFindable',
          actions: [
            {
              type: 'answer',
              params: ({ context, event }) => ({ value: { at: findable(context, event) ?? NULL_NAME.at } }),
            },
            'get',
          ],
        },
        { actions: reply({ at: NULL_NAME.at }) },
      ],
      cdev_put: [
        { guard: 'isOnlyReference', actions: ['purge', reply(true)] },
        { guard: 'isInUse', actions: ['put', reply(false)] },
        { actions: [cdevUnderflow, reply(false)] },
      ],
      devtmpfs_create_node: { actions: ['show', done] },
      devtmpfs_delete_node: { actions: ['hide', done] },
      path_lookupat: [
        {
          guard: 'hasNode',
          actions: { type: 'answer', params: ({ context, event }) => ({ value: cdevOf(context, event).devt }) },
        },
        { actions: reply(null) },
      ],
    },
  });
export const charDevices = () =>
  part<CharDevices, Cdevs>(
    charDevicesMachine,
    { cdevs: {} },
    { range: ({ cdevs }) => Object.values(cdevs).every(({ refs, mapped }) => refs <= most && mapped <= most) },
  );
