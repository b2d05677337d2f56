/**
 * A vendor goes and leaves pages pinned, on a container where a device that is passed through stays.
 *
 * The last mediated group leaves: the kernel warns of the pages, and goes on, for the mappings are needed by the other device.
 * From then on nobody is there to be told of an unmap, and the mapping can never be unpinned. The next DMA_UNMAP tells an
 * empty chain eleven times within microseconds, and takes it for a bug. A vendor that unpins all in its close leaves none.
 */
import type { Operation } from '../../actors/step.ts';
import { store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects, start, viewOf } from './setup/attached.ts';
import { vendor_map_page, vendorOps } from './setup/vendor.ts';
import { calls, coreOf, type Vm } from './setup/vm.ts';

type Its = View<typeof objects>;
const pinned = local<number>('pinned');
const unmapped = local<number>('unmapped');

const forgetful = (vm: Vm): v4_19.VfioDeviceOps => ({
  *open() {
    return 0;
  },
  *release(): Operation {
    yield* mutex_lock(vm.vendor.cache_lock);
    yield* store(vm.vendor.active, false);
    yield* mutex_unlock(vm.vendor.cache_lock);
    yield* v4_19.vfio_unregister_iommu_notifier(coreOf(vm), vm.vgpu_group, vm.vendor.nb);
  },
});

const design = (ops: (vm: Vm) => v4_19.VfioDeviceOps) => ({
  objects,
  start: start.both,
  threads: (vm: Vm) => ({
    qemu: [
      calls(vm).mapRam,
      call(vendor_map_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).into(pinned),
      call(v4_19.vfio_device_fops_release, coreOf(vm), vm.vgpu_device, ops(vm)),
      calls(vm).unplugVgpu,
      calls(vm).unmapRam.into(unmapped),
    ],
  }),
});

export default defineScenario({
  name: 'pins-outlive-driver',
  summary: 'Pages that a driver has left pinned when it went make a bug of the next unmap',
  source: 'vfio_iommu_type1_detach_group() and vfio_dma_do_unmap(), v4.19.71',
  covers: ['D-29'],
  tags: ['seed-001'],
  variants: {
    forgets: variant({
      ...design(forgetful),
      expect: [{ kind: 'warn', object: 'vfio_sanity_check_pfn_list' }],
      leadsTo: [{ kind: 'bug', object: 'vfio_dma_do_unmap' }],
    }),
    unpins: variant({
      ...design((vm) => vendorOps(coreOf(vm), vm.vendor, vm.vgpu_group)),
      always: { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) },
      sometimes: { 'it is pinned when the driver closes': ({ all }) => all('vpfn').some(({ freed }) => !freed) },
      atEnd: { 'the unmap succeeds': ({ result }) => result(unmapped) === 1 },
      expect: [],
    }),
  },
});
