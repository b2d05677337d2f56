/** Mediated devices of one group on a container, of a driver that keeps a session for each open: one is opened and closed. */
import {
  vfio_mdev_callbacks,
  vfio_mdev_open,
  vfio_mdev_release,
  type ParentOps,
} from '../../../actors/vfio/rfc-2016-11/index.ts';
import * as v4_19 from '../../../actors/vfio/v4.19/index.ts';
import { type HandleOf, type Json, type Pool, pool, type Struct } from '../../../machines/object.ts';
import { mdev_device, vfio_mdev } from '../../../machines/vfio/rfc-2016-11/index.ts';
import { call } from '../../../src/index.ts';
import { maps, registersItself, session, sessionCallbacks, toldByVfioMdev } from './session.ts';
import { containerObjects, coreOf, NAME, onContainer, onePin } from './vgpu.ts';
import * as structs from '../../../machines/vfio/v4.19/index.ts';

export const objects = { ...containerObjects, vfio_mdev, mdev: mdev_device, session: pool(session) };

/** Another device of the group is open, and has pinned the page. */
export const besideAnother = {
  objects: { ...objects, other: mdev_device, other_session: session, vpfn: structs.vfio_pfn },
  start: {
    ...onContainer,
    ...onePin,
    'group.container_users': { n: 2 },
    // One for its file, and one each for the two devices and the one that is open.
    'group.kref': { n: 4 },
    'vfio_mdev.owner': { refcnt: 2 },
    'other.driver_data': { value: { at: 'other_session' } },
    'other_session.cache': { value: [0] },
    'iommu.notifier_head': { blocks: ['other.nb'] },
  } satisfies { readonly [path: string]: { readonly [field: string]: Json } },
};

type HandlesOf<O> = {
  readonly [K in keyof O]: O[K] extends Struct<infer T> ? HandleOf<T> : O[K] extends Pool<infer T> ? HandleOf<T> : never;
};
export type Vm = HandlesOf<typeof objects>;

type Block = Parameters<typeof v4_19.vfio_unregister_iommu_notifier>[2];

/** `never-pins`: as the sample mtty, which v11 brings along. */
export type Design = 'v11' | 'not-told' | 'registers-itself' | 'never-pins';

const neverPins: ParentOps = {
  *open() {
    return 0;
  },
  *release() {},
};

/** A back end that has neither pins nor notifiers, as that of sPAPR. */
const withoutPins = ({ backend, ...core }: v4_19.Core): v4_19.Core => {
  const {
    pin_pages: _pin,
    unpin_pages: _unpin,
    register_notifier: _register,
    unregister_notifier: _unregister,
    ...ops
  } = backend;
  return { ...core, backend: ops };
};

/** @param hasNotifiers whether the back end of the container can tell of unmaps */
export const calls = (vm: Vm, design: Design, hasNotifiers = true) => {
  const { group, device, mdev } = vm;
  const core = hasNotifiers ? coreOf(vm) : withoutPins(coreOf(vm));
  const pins = {
    vfio_pin_pages: (gfn: number) => v4_19.pinOfGroup(core, group, [gfn]),
    vfio_unpin_pages: (gfn: number) => v4_19.unpinOfGroup(core, group, [gfn]),
  };
  const vfio = {
    vfio_register_notifier: (nb: Block) => v4_19.vfio_register_iommu_notifier(core, group, v4_19.VFIO_IOMMU_NOTIFY_DMA_UNMAP, nb),
    vfio_unregister_notifier: (nb: Block) => v4_19.vfio_unregister_iommu_notifier(core, group, nb),
  };
  const told = toldByVfioMdev(vm.session, pins);
  const ops = {
    v11: told,
    'not-told': { open: told.open, release: told.release },
    'registers-itself': registersItself(vm.session, pins, vfio),
    'never-pins': neverPins,
  }[design];
  const files = {
    open: () => vfio_mdev_open(vm.vfio_mdev, mdev, ops, vfio),
    release: () => vfio_mdev_release(vm.vfio_mdev, mdev, ops, vfio),
  };
  const unmaps = coreOf(vm, { callbacks: { ...vfio_mdev_callbacks(told), ...sessionCallbacks(pins) } });
  return {
    open: call(v4_19.vfio_group_get_device_fd, core, group, NAME, files),
    pin: call(maps, mdev, 0, pins),
    unmap: call(v4_19.vfio_iommu_unmap_dma, unmaps, vm.container, { iova: 0, size: 1 }),
    close: call(v4_19.vfio_device_fops_release, core, device, files),
  };
};
