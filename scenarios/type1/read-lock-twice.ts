/**
 * A lock that is taken for reading twice by one task, and a writer who comes in between.
 *
 * Up to v4.13 the ioctls of a container and the calls of drivers both hold the container's group_lock for reading. DMA_UNMAP
 * tells the drivers of mediated devices to unpin, and they do so at once, in the same task: it asks for the lock for reading
 * while it has it. That goes well until somebody has a group put on the container, or taken off it. He waits for the reader,
 * and readers who come after him wait for him: all three stand still, and so does whoever comes next to the container.
 *
 * From v4.14 on neither takes the lock. What that costs is another matter: nothing keeps the back end any more while it is
 * called.
 */
import * as v4_13 from '../../actors/vfio/v4.13/vfio-container.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects, start, viewOf } from './setup/attached.ts';
import { type VendorCalls, vendorCallbacks, vendor_map_page } from './setup/vendor.ts';
import { calls, RAM, coreOf, type Vm } from './setup/vm.ts';

const mapped = local<number>('mapped');
const pinned = local<number>('pinned');
const unmapped = local<number>('unmapped');
const set = local<number>('set');

type Its = View<typeof objects>;

type Unmap = typeof v4_19.vfio_iommu_unmap_dma;
const threads = (unmap: Unmap, driver: VendorCalls) => (vm: Vm) => {
  const core = coreOf(vm, { callbacks: vendorCallbacks(coreOf(vm), vm.vgpu_group, driver) });
  return {
    qemu: [
      calls(vm).mapRam.into(mapped),
      call(vendor_map_page, core, vm.vendor, vm.vgpu_group, 0, driver).into(pinned),
      call(unmap, core, vm.container, RAM).into(unmapped),
    ],
    hotplug: [calls(vm).plugGpu.into(set)],
  };
};

const isTold = ({ next, container }: Its) => next('qemu') === 'atomic_inc_not_zero' && container.group_lock.state !== 'free';

export default defineScenario({
  name: 'read-lock-twice',
  summary: 'An unmap holds a lock for reading, and the driver that it tells takes it for reading once more, behind a writer',
  source:
    'vfio_fops_unl_ioctl() and vfio_unpin_pages(), v4.10 to v4.13; v4.14 "vfio: Remove unnecessary uses of vfio_container.group_lock"',
  covers: ['D-13'],
  tags: ['seed-001'],
  variants: {
    'v4.13': variant({
      objects,
      start: start.mediated,
      threads: threads(v4_13.vfio_iommu_unmap_dma, v4_13),
      sometimes: { 'a group comes to the container while a driver is told': isTold },
      // The three orders are what lock validation tells of it even where no writer comes.
      expect: [
        { kind: 'self-deadlock', object: 'container.group_lock' },
        { kind: 'lock-order', object: 'container.group_lock' },
        { kind: 'lock-order', object: 'vendor.cache_lock' },
      ],
    }),
    'v4.19': variant({
      objects,
      start: start.mediated,
      threads: threads(v4_19.vfio_iommu_unmap_dma, v4_19),
      always: { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) },
      sometimes: { 'a group comes to the container while a driver is told': isTold },
      atEnd: { 'both succeed': ({ result }) => result(unmapped) === 1 && result(set) === 0 },
      expect: [],
    }),
  },
});
