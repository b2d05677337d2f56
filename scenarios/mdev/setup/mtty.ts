/**
 * A parent of which mtty is the vendor, with one type and, where a scenario wants it, a device that user space can open.
 * One set for each kernel: what it has, where it begins, and what `create`, `remove` and rmmod are there.
 */
import * as v4_10 from '../../../actors/vfio/v4.10/index.ts';
import * as v4_19 from '../../../actors/vfio/v4.19/mdev_core.ts';
import * as v5_10 from '../../../actors/vfio/v5.10/mdev_core.ts';
import type { KernfsNode } from '../../../actors/driver-core/kernfs.ts';
import type { Operation } from '../../../actors/step.ts';
import { kernfs_node } from '../../../machines/driver-core/kernfs.ts';
import { type Json, pool } from '../../../machines/object.ts';
import * as in4_10 from '../../../machines/vfio/v4.10/index.ts';
import * as in4_19 from '../../../machines/vfio/v4.19/mdev.ts';
import * as in5_10 from '../../../machines/vfio/v5.10/mdev.ts';
import { call } from '../../../src/index.ts';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** The UUID of the device that is there from the beginning, and of the one that is created. */
export const A = 'uuid-a';
export const B = 'uuid-b';

const at = (name: string) => ({ value: { at: name } });
const CREATE = v4_10.createFile('mtty');

const common = {
  sysfs: in4_10.sysfs,
  vfio_mdev: in4_10.vfio_mdev,
  dev: in4_10.device,
  mtty: in4_10.mtty,
  vdev: in4_10.vfio_device,
};
const before4_10 = { ...common, mdev_core: in4_10.mdev_core };
const before4_19 = { ...common, mdev_core: in4_19.mdev_core };

/** What a registration makes. */
const type = { type: in4_10.mdev_type, create: kernfs_node('create') };
const has4_10 = { ...before4_10, ...type, parent: in4_10.mdev_parent };
const has4_19 = { ...before4_19, ...type, parent: in4_19.mdev_parent };
const has5_10 = { ...before4_19, ...type, parent: in5_10.mdev_parent };

/** What there is of a device. */
const child = { remove: kernfs_node('remove'), state: in4_10.mdev_state };
/** What a device that is created is allocated from. */
const room = { new_node: pool(kernfs_node('remove'), 2), new_state: pool(in4_10.mdev_state) };

/** What a parent that is registered is allocated from; its device is there before. */
const roomForParent = { new_type: pool(in4_10.mdev_type), new_create: pool(kernfs_node('create')) };

/** The parent is registered, and has no device. */
const registered: Start = {
  'mdev_core.parent_list': { entries: ['parent'] },
  'parent.dev': at('dev'),
  'parent.ops': at('mtty'),
  'parent.next': { on: 'mdev_core.parent_list', initialised: true },
  'parent.type_list': { entries: ['type'] },
  'type.parent': at('parent'),
  'type.devices_kobj': { value: true },
  'type.next': { on: 'parent.type_list', initialised: true },
  'create.priv': at('type'),
  'sysfs.files': { files: { [CREATE]: 'create' } },
  'dev.kobj': { n: 2 },
};

/** It has one, which is called `mdev` and can be opened. */
const withDevice: Start = {
  ...registered,
  'parent.ref': { n: 2 },
  'dev.kobj': { n: 3 },
  'dev.klist_children': { entries: [{ name: 'mdev', refs: 1, dead: false }] },
  'sysfs.files': { files: { [CREATE]: 'create', [`${A}/remove`]: 'remove' } },
  'mdev.kobj': { n: 2 },
  'mdev.driver': { value: true },
  'mdev.uuid': { value: A },
  'mdev.parent': at('parent'),
  'mdev.type_kobj': at('type'),
  'mdev.driver_data': at('state'),
  'mdev.vendor': { initially: 'created' },
  'remove.priv': at('mdev'),
  'vdev.kref': { n: 1 },
  'vdev.device_data': at('mdev'),
  'state.mdev': at('mdev'),
  'state.next': { on: 'mtty.mdev_devices_list', initialised: true },
  'mtty.mdev_devices_list': { entries: ['state'] },
};
const listed: Start = {
  'mdev_core.mdev_list': { entries: ['mdev'] },
  'mdev.next': { on: 'mdev_core.mdev_list', initialised: true },
  'mdev.active': { value: true },
};

interface Handles {
  readonly sysfs: v4_10.Mdev['sysfs'];
  readonly vfio_mdev: in4_10.VfioMdev;
  readonly dev: in4_10.Device;
  readonly mtty: in4_10.Mtty;
  readonly vdev: in4_10.VfioDevice;
}
interface Handles4_10 extends Handles {
  readonly mdev_core: in4_10.MdevCore;
}
interface Handles4_19 extends Handles {
  readonly mdev_core: in4_19.MdevCore;
}
interface Room {
  readonly new_node: KernfsNode;
  readonly new_state: in4_10.MdevState;
}
interface RoomForParent {
  readonly new_parent: in4_10.MdevParent;
  readonly new_type: in4_10.MdevType;
  readonly new_create: KernfsNode;
}
interface Room4_10 extends Room {
  readonly new_mdev: in4_10.MdevDevice;
}
interface Room4_19 extends Room {
  readonly new_mdev: in4_19.MdevDevice;
}

/** Where nothing is created, and so nothing allocated. */
const none = <H extends { readonly path: string }>(): H => ({ path: 'none' }) as H;

/** The globals, with mtty as the vendor. */
const env = ({ sysfs, vfio_mdev, dev, mtty, vdev }: Handles, state: in4_10.MdevState = none()) => ({
  sysfs,
  vfio_mdev,
  dev,
  vdev,
  name: 'mtty',
  vendor: v4_10.mttyOps(mtty, state),
});
const env4_10 = (objects: Handles4_10, state?: in4_10.MdevState) => ({ ...env(objects, state), mdev_core: objects.mdev_core });
const env4_19 = (objects: Handles4_19, state?: in4_10.MdevState) => ({ ...env(objects, state), mdev_core: objects.mdev_core });

const pools = <M extends in4_10.MdevDevice>({ new_node, new_mdev }: Room & { readonly new_mdev: M }) => ({
  mdev_parent: none<in4_10.MdevParent>(),
  mdev_type: none<in4_10.MdevType>(),
  mdev_device: new_mdev,
  kernfs_node: new_node,
});

const parentPools = ({ new_parent, new_type, new_create }: RoomForParent) => ({
  mdev_parent: new_parent,
  mdev_type: new_type,
  mdev_device: none<in4_19.MdevDevice>(),
  kernfs_node: new_create,
});

/** Another device, and another driver, with the same kind of vendor. */
const another = <E extends v4_10.Mdev>(env: E, dev: in4_10.Device): E => ({ ...env, dev, name: 'another' });

const rmmod = ({ mtty }: Handles, exit: () => Operation) => call(v4_10.rmmod_mtty, mtty, exit);

export const mtty4_10 = {
  beforeParent: before4_10,
  objects: has4_10,
  roomForParent: { ...roomForParent, new_parent: pool(in4_10.mdev_parent) },
  withDevice: { ...has4_10, ...child, mdev: in4_10.mdev_device },
  room: { ...room, new_mdev: pool(in4_10.mdev_device) },
  start: registered,
  startWithDevice: withDevice,
  env: env4_10,
  create: (objects: Handles4_10 & Room4_10, uuid: string) =>
    call(v4_10.create, env4_10(objects, objects.new_state), uuid, pools(objects)),
  remove: (objects: Handles4_10 & Pick<Room, 'new_node'>, uuid: string) =>
    call(v4_10.remove, env4_10(objects), uuid, { kernfs_node: objects.new_node }),
  register: (objects: Handles4_10 & RoomForParent) => call(v4_10.mdev_register_device, env4_10(objects), parentPools(objects)),
  registerAnother: (objects: Handles4_10 & RoomForParent & { readonly another: in4_10.Device }) =>
    call(v4_10.mdev_register_device, another(env4_10(objects), objects.another), parentPools(objects)),
  unregister: (objects: Handles4_10) => call(v4_10.mdev_unregister_device, env4_10(objects)),
  rmmod: (objects: Handles4_10) => rmmod(objects, () => v4_10.mdev_unregister_device(env4_10(objects))),
};

export const mtty4_19 = {
  beforeParent: before4_19,
  objects: has4_19,
  roomForParent: { ...roomForParent, new_parent: pool(in4_19.mdev_parent) },
  withDevice: { ...has4_19, ...child, mdev: in4_19.mdev_device },
  room: { ...room, new_mdev: pool(in4_19.mdev_device) },
  start: registered,
  startWithDevice: { ...withDevice, ...listed },
  env: env4_19,
  create: (objects: Handles4_19 & Room4_19, uuid: string) =>
    call(v4_19.create, env4_19(objects, objects.new_state), uuid, pools(objects)),
  remove: (objects: Handles4_19 & Pick<Room, 'new_node'>, uuid: string) =>
    call(v4_19.remove, env4_19(objects), uuid, { kernfs_node: objects.new_node }),
  register: (objects: Handles4_19 & RoomForParent) => call(v4_10.mdev_register_device, env4_19(objects), parentPools(objects)),
  registerAnother: (objects: Handles4_19 & RoomForParent & { readonly another: in4_10.Device }) =>
    call(v4_10.mdev_register_device, another(env4_19(objects), objects.another), parentPools(objects)),
  unregister: (objects: Handles4_19) => call(v4_19.mdev_unregister_device, env4_19(objects)),
  rmmod: (objects: Handles4_19) => rmmod(objects, () => v4_19.mdev_unregister_device(env4_19(objects))),
};

export const mtty5_10 = {
  beforeParent: before4_19,
  objects: has5_10,
  roomForParent: { ...roomForParent, new_parent: pool(in5_10.mdev_parent) },
  withDevice: { ...has5_10, ...child, mdev: in4_19.mdev_device },
  room: { ...room, new_mdev: pool(in4_19.mdev_device) },
  start: registered,
  startWithDevice: { ...withDevice, ...listed },
  env: env4_19,
  create: (objects: Handles4_19 & Room4_19, uuid: string) =>
    call(v5_10.create, env4_19(objects, objects.new_state), uuid, pools(objects)),
  remove: (objects: Handles4_19, uuid: string) => call(v5_10.remove, env4_19(objects), uuid),
  register: (objects: Handles4_19 & RoomForParent) => call(v5_10.mdev_register_device, env4_19(objects), parentPools(objects)),
  registerAnother: (objects: Handles4_19 & RoomForParent & { readonly another: in4_10.Device }) =>
    call(v5_10.mdev_register_device, another(env4_19(objects), objects.another), parentPools(objects)),
  unregister: (objects: Handles4_19) => call(v5_10.mdev_unregister_device, env4_19(objects)),
  rmmod: (objects: Handles4_19) => rmmod(objects, () => v5_10.mdev_unregister_device(env4_19(objects))),
};
