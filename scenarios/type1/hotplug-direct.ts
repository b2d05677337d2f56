/**
 * A device that is passed through is plugged into a machine with a vGPU, and unplugged, while the guest uses the vGPU.
 *
 * When it comes, all that is mapped is pinned for it and charged, but for what the vendor has pinned: that is charged
 * already. When it goes, the IOMMU lets go of all, and the account is put back to what the vendor still has. Which of the two
 * ways of charging holds is asked under iommu->lock, where the change is made.
 */
import { page } from '../../machines/mm/mm.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects as attached, start, twoPages, viewOf as viewOfAttached } from './setup/attached.ts';
import { vendor_map_page, vendor_unmap_page } from './setup/vendor.ts';
import { calls, coreOf } from './setup/vm.ts';

const objects = { ...attached, page1: page };
type Its = View<typeof objects>;
const viewOf = (view: Its) => viewOfAttached(view, { pages: [view.page1] });

const mapped = local<number>('mapped');
const plugged = local<number>('plugged');
const unplugged = local<number>('unplugged');
const pinned = local<number>('pinned');

export default defineScenario({
  name: 'hotplug-direct',
  summary: 'A device that is passed through comes and goes while a mediated one stays: the account follows',
  source: 'mdev series v11, "hot plug and unplug GPU pass through device while vGPU device exist"; v4.19.71',
  covers: [],
  tags: ['seed-001', 'nominal'],
  variants: {
    'v4.19': variant({
      objects,
      start: { ...start.mediated, ...twoPages },
      threads: (vm) => {
        const core = coreOf(vm);
        const user = calls(vm);
        return {
          qemu: [
            call(v4_19.vfio_iommu_map_dma, core, vm.container, { iova: 0, vaddr: 0, size: 2 }).into(mapped),
            user.plugGpu.into(plugged),
            user.unplugGpu.into(unplugged),
          ],
          guest: [
            call(vendor_map_page, core, vm.vendor, vm.vgpu_group, 0).into(pinned),
            call(vendor_unmap_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).ifOk(pinned),
          ],
        };
      },
      always: { ...pins(viewOf, 2), ...lockedVm(viewOf) },
      sometimes: {
        'it comes when one of two pages is pinned': ({ mm, next }) => mm.locked_vm.value === 1 && next('qemu') === 'atomic_read',
        'all is charged': ({ mm }) => mm.locked_vm.value === 2,
        'it is gone, and one page is left': ({ mm, result }) => result(unplugged) === 0 && mm.locked_vm.value === 1,
      },
      atEnd: {
        'each call succeeds': ({ result }) => [mapped, plugged, unplugged].every((of) => result(of) === 0),
        'nothing is charged, as nothing is pinned': ({ mm }) => mm.locked_vm.value === 0,
        'what was mapped is recorded still': ({ iommu }) => iommu.dma_list.entries.length === 1,
      },
      expect: [],
    }),
  },
});
