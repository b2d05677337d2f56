/**
 * A vGPU of v4.19, alone on a container of type1, for a virtual machine: the objects, where they begin, and what the driver
 * calls of VFIO.
 *
 * The notifier chain of the group is left out. What comes by it is that KVM is set, which has been before, or gone, of which
 * the driver is told as if the chain had been called.
 */
import type { Operation } from '../../../actors/step.ts';
import * as v4_19 from '../../../actors/vfio/v4.19/index.ts';
import * as kvmgt from '../../../actors/vfio/v4.19/kvmgt.ts';
import { mm_struct, page, running, user_task } from '../../../machines/mm/mm.ts';
import {
  type HandleOf,
  type HandleTo,
  type Json,
  NULL,
  type Pool,
  pool,
  type Struct,
  type ViewOf,
} from '../../../machines/object.ts';
import * as structs from '../../../machines/vfio/v4.19/index.ts';
import { gvt_dma, type IntelVgpu, intel_vgpu, kvmgt_guest_info, tracked_kvm } from '../../../machines/vfio/v4.19/kvmgt.ts';
import type { workqueues } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { call, type View } from '../../../src/index.ts';
import { lockedVm } from '../../laws/locked-vm.ts';
import { pins } from '../../laws/pins.ts';
import type { Type1View } from '../../laws/type1-view.ts';

export const containerObjects = {
  vfio: structs.vfio,
  vfio_iommu_driver: structs.vfio_iommu_driver,
  driver: structs.device_driver,
  container: structs.vfio_container,
  iommu: structs.vfio_iommu,
  iommu_group: structs.iommu_group,
  group: structs.vfio_group,
  device: structs.vfio_device,
  dev: structs.device,
  external: structs.vfio_domain,
  type1_group: structs.type1_group,
  dma: structs.vfio_dma,
  mm: mm_struct,
  qemu: user_task,
  page,
  vfio_pfn: pool(structs.vfio_pfn),
};

export const objects = {
  ...containerObjects,
  kvm: tracked_kvm,
  vgpu: intel_vgpu,
  info: kvmgt_guest_info,
  gvt_dma: pool(gvt_dma),
};
/** With a page that is pinned from the beginning. */
export const pinnedObjects = { ...objects, vpfn: structs.vfio_pfn, entry: gvt_dma };

type HandlesOf<O> = {
  readonly [K in keyof O]: O[K] extends Struct<infer T> ? HandleOf<T> : O[K] extends Pool<infer T> ? HandleOf<T> : never;
};
export type Vm = HandlesOf<typeof objects>;
export type PinnedVm = HandlesOf<typeof pinnedObjects>;
/** For one that is opened: the memory of what it then has of the guest. */
export const closedObjects = { ...objects, guest_info: pool(kvmgt_guest_info) };
export type AnyVm = Vm &
  Partial<Pick<HandlesOf<typeof closedObjects>, 'guest_info'>> & { readonly workqueues?: HandleTo<typeof workqueues> };
type Its = View<typeof objects>;
type PinnedIts = View<typeof pinnedObjects>;

/** The device. */
export const NAME = 'a297db4a-f4c2-11e6-90f6-d3b88d6c9525';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };
const at = (name: string) => ({ value: { at: name } });

/** A group with a mediated device is on a container, and the memory of the guest mapped: one page, at address 0. */
export const onContainer: Start = {
  ...running('mm', ['page'], 'qemu'),
  'iommu_group.bus': { value: 'mdev' },
  'dev.name': { value: NAME },
  ...structs.registered('driver', {
    group: 'group',
    iommu_group: 'iommu_group',
    devices: { dev: 'device' },
    opened: { container: 'container', iommu_driver: 'vfio_iommu_driver', iommu_data: 'iommu' },
  }),
  'iommu.external_domain': at('external'),
  'iommu.dma_list': { entries: ['dma'] },
  'iommu.dma_avail': { value: 65534 },
  'external.group_list': { entries: ['type1_group'] },
  'type1_group.iommu_group': at('iommu_group'),
  'type1_group.next': { on: 'external.group_list' },
  'dma.node': { on: 'iommu.dma_list' },
  'dma.size': { value: 1 },
  'dma.task': at('qemu'),
  'dma.chart': { initially: 'recorded' },
  'qemu.usage': { n: 2 },
};

/** The vGPU is closed, and KVM known: it has come by the notifier of the group, which is left out. */
export const closed: Start = { ...onContainer, 'vgpu.kvm': at('kvm') };

/** A file of the device is open. */
const deviceOpened: Start = {
  'group.container_users': { n: 2 },
  'group.kref': { n: 3 },
  'device.kref': { n: 2 },
  'device.files': { n: 1 },
};

/** The page is pinned for a driver. */
export const onePin: Start = {
  'mm.locked_vm': { value: 1 },
  'page._refcount': { n: 2 },
  'dma.pfn_list': { entries: ['vpfn'] },
  'vpfn.node': { on: 'dma.pfn_list' },
  'vpfn.pfn': at('page'),
  'vpfn.ref_count': { n: 1 },
};

/** The vGPU is open. */
export const opened: Start = {
  ...onContainer,
  ...deviceOpened,
  'iommu.notifier_head': { blocks: ['vgpu.iommu_notifier'] },
  'kvm.users_count': { n: 2 },
  'kvm.track_notifier_list': { entries: ['info'] },
  'vgpu.handle': at('info'),
  'vgpu.kvm': at('kvm'),
  'info.kvm': at('kvm'),
  'info.vgpu': at('vgpu'),
  'info.track_node': { on: 'kvm.track_notifier_list' },
};

/** The page is pinned, too. */
export const pinned: Start = {
  ...opened,
  ...onePin,
  'vgpu.gfn_cache': { entries: ['entry'] },
  'entry.gfn_node': { on: 'vgpu.gfn_cache' },
};

type Container = HandlesOf<typeof containerObjects>;

/** @param type1 what differs from the back end of the kernel @param ops likewise */
export const coreOf = (
  { vfio, vfio_iommu_driver, vfio_pfn, qemu }: Container,
  type1: Partial<v4_19.Type1> = {},
  ops: Partial<v4_19.VfioIommuDriverOps> = {},
): v4_19.Core => ({
  vfio,
  iommu_driver: vfio_iommu_driver,
  backend: { ...v4_19.vfio_iommu_driver_ops_type1({ pools: { vfio_pfn }, ...type1 }, qemu), ...ops },
  callbacks: {},
  areAllViable: true,
});

function* nothing(): Operation<number> {
  return 0;
}

const { VFIO_IOMMU_NOTIFY_DMA_UNMAP } = v4_19;

const vfioOf = (core: v4_19.Core, vm: AnyVm): kvmgt.Kvmgt => ({
  vfio_pin_pages: (gfn) => v4_19.pinOfGroup(core, vm.group, [gfn]),
  vfio_unpin_pages: (gfn) => v4_19.unpinOfGroup(core, vm.group, [gfn]),
  vfio_register_notifier: (type, nb) =>
    type === 'VFIO_IOMMU_NOTIFY'
      ? v4_19.vfio_register_iommu_notifier(core, vm.group, VFIO_IOMMU_NOTIFY_DMA_UNMAP, nb)
      : nothing(),
  vfio_unregister_notifier: (type, nb) =>
    type === 'VFIO_IOMMU_NOTIFY' ? v4_19.vfio_unregister_iommu_notifier(core, vm.group, nb) : nothing(),
  gvt_dma: vm.gvt_dma,
  ...(vm.guest_info === undefined ? {} : { kvmgt_guest_info: vm.guest_info }),
  ...(vm.workqueues === undefined ? {} : { system_wq: vm.workqueues.system_wq }),
});

export interface Design {
  /** In which order its work item does, where that is another. */
  readonly releaseByWork?: typeof kvmgt.intel_vgpu_release;
  /** In which order the driver closes. */
  readonly release: typeof kvmgt.intel_vgpu_release;
  /** In the back end. */
  readonly unregister_notifier?: NonNullable<v4_19.VfioIommuDriverOps['unregister_notifier']>;
  /** After how many notices an unmap gives up: 10 in the kernel. */
  readonly retries?: number;
}

/** What user space calls, and what a vCPU does. */
export const calls = (vm: AnyVm, { release, releaseByWork, unregister_notifier, retries = 10 }: Design) => {
  const core = coreOf(vm, {}, unregister_notifier === undefined ? {} : { unregister_notifier });
  const its = vfioOf(core, vm);
  const callbacks = kvmgt.kvmgtCallbacks(its);
  const files = { open: () => kvmgt.intel_vgpu_open(vm.vgpu, its), release: () => release(vm.vgpu, its) };
  return {
    open: call(v4_19.vfio_group_get_device_fd, core, vm.group, NAME, files),
    close: call(v4_19.vfio_device_fops_release, core, vm.device, files),
    unmap: call(v4_19.vfio_iommu_unmap_dma, coreOf(vm, { retries, callbacks }), vm.container, { iova: 0, size: 1 }),
    /** The last close of the group's file. */
    closeGroup: call(v4_19.vfio_group_fops_release, core, vm.group),
    /** vfio_group_set_kvm(group, NULL), for the one who is on the chain of the group. */
    kvmGoes: call(function* vfio_group_set_kvm(vgpu: IntelVgpu) {
      return yield* callbacks.intel_vgpu_group_notifier(vgpu.group_notifier, 1, NULL);
    }, vm.vgpu),
    work: kvmgt.kvmgtWork(its, releaseByWork),
    /** The guest writes an entry of a page table of the graphics device. */
    write: call(kvmgt.kvm_page_track_write, vm.kvm, 0, its),
  };
};

type Entries = readonly ViewOf<typeof gvt_dma>[];
type Vpfns = readonly ViewOf<typeof structs.vfio_pfn>[];

const books = (
  { container, iommu, dma, page: ram, qemu, mm, vgpu }: Omit<Its, 'all'>,
  vpfns: Vpfns,
  entries: Entries,
): Type1View => ({
  containers: [container],
  iommus: [iommu],
  dmas: [dma],
  vpfns,
  pages: [ram],
  tasks: { qemu },
  mms: { mm },
  vendors: [{ ...pick(vgpu), cache: { value: entries.filter(({ freed }) => !freed).map(({ gfn }) => gfn.value) } }],
});
const pick = ({ freed, cache_lock }: Its['vgpu']) => ({ freed, cache_lock });

const viewOf = (view: Its): Type1View => books(view, view.all('vfio_pfn'), view.all('gvt_dma'));
const viewOfPinned = (view: PinnedIts): Type1View =>
  books(view, [view.vpfn, ...view.all('vfio_pfn')], [view.entry, ...view.all('gvt_dma')]);

export const laws = { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) };
export const pinnedLaws = { ...pins<PinnedIts>(viewOfPinned, 1), ...lockedVm<PinnedIts>(viewOfPinned) };

/** What is left when the device is closed, and the memory perhaps unmapped. */
export const atClose = {
  'nothing is pinned, and nothing charged': ({ mm, page: ram }: Omit<Its, 'all'>) =>
    mm.locked_vm.value === 0 && ram._refcount.n === 1,
  'nobody is told of unmaps any more': ({ iommu }: Omit<Its, 'all'>) => iommu.notifier_head.blocks.length === 0,
  'the driver has let go of KVM': ({ kvm, info, vgpu }: Omit<Its, 'all'>) =>
    kvm.users_count.n === 1 && info.freed && vgpu.handle.value.at === 'NULL',
  'only the group keeps the container': ({ group }: Omit<Its, 'all'>) => group.container_users.n === 1,
};
