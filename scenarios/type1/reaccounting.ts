/**
 * The account when the last device that is passed through goes, and a vGPU stays.
 *
 * What the IOMMU had pinned is taken off the address space, but for what the vendor has pinned. A vendor that lets go of a
 * page at that moment does or does not take its charge along, as there is an IOMMU or not; both are decided under
 * iommu->lock. A design that looked for the IOMMU before it takes the lock would leave a charge behind.
 *
 * What is wrong is that taking off can fail, and nobody minds: a task with a fatal signal pending does not wait for
 * mmap_sem, which a page fault of a sibling may hold for long. Then locked_vm stays as high as it was, and what is mapped or
 * pinned later runs into the limit. One who waited regardless would have the account right.
 */
import type { Operation } from '../../actors/step.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { down_read, up_read } from '../../actors/sync/rwsem.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { vfio_find_dma } from '../../actors/vfio/v4.19/vfio_iommu_type1-dma.ts';
import {
  byGroupLeader,
  IS_IOMMU_CAP_DOMAIN_IN_CONTAINER,
  vfio_unpin_page_external,
} from '../../actors/vfio/v4.19/vfio_iommu_type1-pages.ts';
import { EINVAL } from '../../actors/vfio/errno.ts';
import type { Mm } from '../../machines/mm/mm.ts';
import type { VfioIommu } from '../../machines/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects, start, viewOf } from './setup/attached.ts';
import { unkillable } from './setup/nobody-is-killed.ts';
import { vendor_map_page, vendor_unmap_page, type VendorCalls } from './setup/vendor.ts';
import { calls, coreOf, type Vm } from './setup/vm.ts';

type Its = View<typeof objects>;

const mapped = local<number>('mapped');
const pinned = local<number>('pinned');
const unplugged = local<number>('unplugged');

/** The page fault of a thread of QEMU's. */
function* do_page_fault(mm: Mm): Operation {
  yield* down_read(mm.mmap_sem);
  yield* up_read(mm.mmap_sem);
}

/** Not of the kernel: as vfio_iommu_type1_unpin_pages(), which asks with the lock held. */
function* unpins_by_an_early_look(iommu: VfioIommu, iova: number): Operation<number> {
  const do_accounting = !(yield* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu));
  yield* mutex_lock(iommu.lock);
  const dma = yield* vfio_find_dma(iommu, iova, 1);
  if (dma !== undefined) yield* vfio_unpin_page_external(dma, iova, do_accounting, byGroupLeader);
  yield* mutex_unlock(iommu.lock);
  return dma === undefined ? -EINVAL : 1;
}

const early = ({ iommu }: Vm): VendorCalls => ({
  ...v4_19,
  unpinOfGroup: (_core, _group, [iova = 0]) => unpins_by_an_early_look(iommu, iova),
});

const laws = { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) };
const objectsAndStart = { objects, start: start.both };

/** The GPU goes while the guest lets go of a page of the vGPU. */
const unplugs = (driver: (vm: Vm) => VendorCalls) => (vm: Vm) => ({
  qemu: [
    calls(vm).mapRam.into(mapped),
    call(vendor_map_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).into(pinned),
    calls(vm).unplugGpu.into(unplugged),
  ],
  guest: [call(vendor_unmap_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0, driver(vm))],
});

/** The GPU goes while a thread of QEMU's is in a page fault. */
const faults = (accounting: typeof byGroupLeader) => (vm: Vm) => ({
  qemu: [
    calls(vm).mapRam.into(mapped),
    call(v4_19.vfio_group_unset_container, coreOf(vm, { accounting }), vm.gpu_group).into(unplugged),
  ],
  sibling: [call(do_page_fault, vm.mm)],
});

const isLetGoMeanwhile = {
  'the page is let go of when the IOMMU is about to go': ({ next, vendor, all }: Its) =>
    next('qemu') === 'mutex_lock' && vendor.cache.value.length === 0 && all('vpfn').some(({ freed }) => freed),
  'the IOMMU is gone, and the page is there': ({ mm, result, iommu }: Its) =>
    result(unplugged) === 0 && mm.locked_vm.value === 1 && iommu.domain_list.entries.length === 0,
};
const isContended = { 'the account is waited for': ({ mm }: Its) => mm.mmap_sem.waitingWriters > 0 };
const isRight = { 'it goes': ({ result }: Its) => result(unplugged) === 0 };

export default defineScenario({
  name: 'reaccounting',
  summary: 'A device that is passed through goes, a mediated one stays, and the charge of what only the first had stays, too',
  source: 'vfio_iommu_unmap_unpin_reaccount() and vfio_lock_acct(), v4.19.71',
  covers: ['G-6'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      ...objectsAndStart,
      summary: 'The guest lets go of a page meanwhile.',
      threads: unplugs(() => v4_19),
      always: laws,
      sometimes: isLetGoMeanwhile,
      atEnd: isRight,
      expect: [],
    }),
    'early-look': variant({
      ...objectsAndStart,
      summary: 'The guest lets go of a page meanwhile, and whether there is an IOMMU is asked before the lock is taken.',
      threads: unplugs(early),
      always: laws,
      sometimes: isLetGoMeanwhile,
      expect: [{ kind: 'invariant', object: 'dma' }],
    }),
    'v4.19-killed': variant({
      ...objectsAndStart,
      summary: 'The task is killed while it waits for a page fault of another.',
      threads: faults(byGroupLeader),
      always: laws,
      sometimes: isContended,
      atEnd: isRight,
      expect: [{ kind: 'invariant', object: 'dma' }],
    }),
    unkillable: variant({
      ...objectsAndStart,
      summary: 'It waits for a page fault of another, whatever signal comes.',
      threads: faults(unkillable(byGroupLeader)),
      always: laws,
      sometimes: isContended,
      atEnd: isRight,
      expect: [],
    }),
  },
});
