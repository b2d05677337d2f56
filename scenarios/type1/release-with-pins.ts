/**
 * The last group leaves a container, and with it goes all that is mapped, whoever has mapped it and whatever is pinned.
 *
 * That is what it is for: no task is asked, as the one that has mapped may be long gone. A vendor driver has to have
 * unpinned by then. One that leaves that to a work item of its own, and returns from its close, has its pages taken from
 * under it: the mapping is freed with pages on its list, which stay pinned for ever; the kernel warns, and the driver is told
 * later that there is nothing to unpin.
 */
import type { Operation } from '../../actors/step.ts';
import { WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { mm_struct, page, running, user_task } from '../../machines/mm/mm.ts';
import { globals, type HandleTo } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { call, daemon, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { pins } from '../laws/pins.ts';
import { objects as attached, start, viewOf } from './setup/attached.ts';
import { vendor_map_page } from './setup/vendor.ts';
import { calls, coreOf, type Vm } from './setup/vm.ts';

/** Not of the kernel: the work item of a vendor, which is queued once. */
const release_work = globals('release_work', { queued: completion() });
type ReleaseWork = HandleTo<typeof release_work>;

const objects = { ...attached, release_work };
type Its = View<typeof objects>;

const mapped = local<number>('mapped');
const pinned = local<number>('pinned');

const lateOps = (core: v4_19.Core, { vendor, vgpu_group }: Vm, { queued }: ReleaseWork): v4_19.VfioDeviceOps => ({
  *open() {
    return 0;
  },
  *release() {
    yield* mutex_lock(vendor.cache_lock);
    yield* store(vendor.active, false);
    yield* mutex_unlock(vendor.cache_lock);
    yield* v4_19.vfio_unregister_iommu_notifier(core, vgpu_group, vendor.nb);
    yield* complete(queued);
  },
});

function* vendor_release_work(core: v4_19.Core, { vendor, vgpu_group }: Vm, { queued }: ReleaseWork): Operation {
  yield* wait_for_completion(queued);
  yield* mutex_lock(vendor.cache_lock);
  for (const iova of yield* load(vendor.cache)) {
    const ret = yield* v4_19.unpinOfGroup(core, vgpu_group, [iova]);
    yield* WARN_ON(ret !== 1, 'ret != 1');
  }
  yield* store(vendor.cache, []);
  yield* mutex_unlock(vendor.cache_lock);
}

const isGone = {
  'the back end is gone': ({ iommu }: { readonly iommu: { readonly freed: boolean } }) => iommu.freed,
  'nothing is charged': ({ mm }: { readonly mm: { readonly locked_vm: { readonly value: number } } }) => mm.locked_vm.value === 0,
};

const withChild = { ...attached, child: user_task, mm_child: mm_struct, page1: page };
type WithChild = View<typeof withChild>;
const mapped_by_child = local<number>('mapped_by_child');
const viewOfBoth = (view: WithChild) =>
  viewOf(view, { tasks: { child: view.child }, mms: { mm_child: view.mm_child }, pages: [view.page1] });

export default defineScenario({
  name: 'release-with-pins',
  summary: 'The last group goes while a driver has pages pinned, and takes the mappings from under it',
  source: 'vfio_iommu_type1_detach_group() and vfio_sanity_check_pfn_list(), v4.19.71',
  covers: ['G-7'],
  tags: ['seed-001'],
  variants: {
    'unpins-later': variant({
      objects,
      start: start.mediated,
      summary: 'The vendor leaves unpinning to a work item.',
      threads: ({ release_work: work, ...vm }) => ({
        qemu: [
          calls(vm).mapRam.into(mapped),
          call(vendor_map_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).into(pinned),
          call(v4_19.vfio_device_fops_release, coreOf(vm), vm.vgpu_device, lateOps(coreOf(vm), vm, work)),
          calls(vm).closeVgpuGroup,
        ],
        kworker: daemon([call(vendor_release_work, coreOf(vm), vm, work)]),
      }),
      sometimes: { 'the work item is in time': ({ iommu, all }: Its) => !iommu.freed && all('vpfn').some(({ freed }) => freed) },
      leaks: { page: ({ page: ram }) => ram._refcount.n - 1 },
      expect: [
        { kind: 'warn', object: 'vfio_sanity_check_pfn_list' },
        { kind: 'warn', object: 'vendor_release_work' },
      ],
      leadsTo: [{ kind: 'leak', object: 'page' }],
    }),
    'unpins-first': variant({
      objects: attached,
      start: start.mediated,
      summary: 'The vendor unpins all in its close, while the guest goes on.',
      threads: (vm) => ({
        qemu: [calls(vm).mapRam.into(mapped), calls(vm).closeVgpu, calls(vm).closeVgpuGroup],
        guest: [call(vendor_map_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).into(pinned)],
      }),
      always: { ...pins<View<typeof attached>>(viewOf, 1), ...lockedVm<View<typeof attached>>(viewOf) },
      sometimes: {
        'it is pinned when the vendor closes': ({ next, all }) =>
          next('qemu') === 'store' && all('vpfn').some(({ freed }) => !freed),
      },
      atEnd: isGone,
      leaks: { ...moduleReferences('vfio_iommu_driver', 'driver'), page: ({ page: ram }) => ram._refcount.n - 1 },
      expect: [],
    }),
    'of-all-tasks': variant({
      objects: withChild,
      start: { ...start.direct, ...running('mm_child', ['page1'], 'child') },
      summary: 'Two processes have mapped; the one that closes last takes all away, and each is relieved of its own.',
      threads: (vm) => ({
        qemu: [
          calls(vm).mapRam.into(mapped),
          call(v4_19.vfio_iommu_map_dma, coreOf(vm, {}, vm.child), vm.container, { iova: 1, vaddr: 0, size: 1 }).into(
            mapped_by_child,
          ),
          calls(vm).closeGpu,
        ],
      }),
      always: { ...pins(viewOfBoth, 2), ...lockedVm(viewOfBoth) },
      sometimes: {
        'each is charged for its own': ({ mm, mm_child }) => mm.locked_vm.value === 1 && mm_child.locked_vm.value === 1,
      },
      atEnd: {
        ...isGone,
        'nothing is charged to the other': ({ mm_child }) => mm_child.locked_vm.value === 0,
        'the tasks are let go of': ({ qemu, child }) => qemu.usage.n === 1 && child.usage.n === 1,
      },
      leaks: {
        ...moduleReferences('vfio_iommu_driver', 'driver'),
        page: ({ page: ram }) => ram._refcount.n - 1,
        page1: ({ page1 }) => page1._refcount.n - 1,
      },
      expect: [],
    }),
  },
});
