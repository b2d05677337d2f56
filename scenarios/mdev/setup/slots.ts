/** A parent of v6.1 that is registered, with so many slots, and a driver in whose probe nothing happens that matters here. */
import type { KernfsNode } from '../../../actors/driver-core/kernfs.ts';
import type { Operation } from '../../../actors/step.ts';
import { atomic_inc } from '../../../actors/sync/atomic.ts';
import * as v6_1 from '../../../actors/vfio/v6.1/mdev_core.ts';
import { kernfs_node } from '../../../machines/driver-core/kernfs.ts';
import { type Json, pool } from '../../../machines/object.ts';
import { type Device, device, sysfs } from '../../../machines/vfio/v4.10/mdev.ts';
import * as in6_1 from '../../../machines/vfio/v6.1/mdev.ts';
import { call } from '../../../src/index.ts';

const at = (name: string) => ({ value: { at: name } });

interface Handles extends Pick<v6_1.Mdev, 'mdev_core' | 'sysfs'> {
  readonly dev: Device;
  readonly new_mdev: in6_1.MdevDevice;
  readonly new_node: KernfsNode;
}

const env = ({ mdev_core, sysfs: files, dev }: Handles): v6_1.Mdev => ({
  mdev_core,
  sysfs: files,
  dev,
  driver: {
    *probe() {
      return 0;
    },
    *remove() {},
  },
});
const pools = ({ new_mdev, new_node }: Handles) => ({ mdev_device: new_mdev, kernfs_node: new_node });

/** As it could be: the slot of a device for which there is no memory is given back. */
function* giveBack(parent: in6_1.MdevParent): Operation {
  yield* atomic_inc(parent.available_instances);
}

export const slots6_1 = {
  objects: {
    mdev_core: in6_1.mdev_core,
    sysfs,
    dev: device,
    parent: in6_1.mdev_parent,
    type: in6_1.mdev_type,
    create: kernfs_node('create'),
    new_mdev: pool(in6_1.mdev_device, 2),
    new_node: pool(kernfs_node('remove'), 2),
  },
  start: (available_instances: number): { readonly [path: string]: { readonly [field: string]: Json } } => ({
    'parent.dev': at('dev'),
    'parent.available_instances': { n: available_instances },
    'type.parent': at('parent'),
    'type.devices_kobj': { value: true },
    'create.priv': at('type'),
    'sysfs.files': { files: { create: 'create' } },
    // Of its driver, and of the type.
    'dev.kobj': { n: 2 },
  }),
  create: (objects: Handles, uuid: string) => call(v6_1.create, env(objects), uuid, pools(objects)),
  createAndGiveBack: (objects: Handles, uuid: string) => call(v6_1.create, env(objects), uuid, pools(objects), giveBack),
  remove: (objects: Handles, uuid: string) => call(v6_1.remove, env(objects), uuid),
};
