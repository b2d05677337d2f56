/**
 * A device that is passed through and a mediated one on one container, from the first ioctl to the last close.
 *
 * For the first all memory is pinned and charged when it is mapped. What the vendor driver pins besides gets a reference of
 * its own, so that it stays when the IOMMU lets go, and is charged to nobody a second time.
 */
import type { VfioDevice } from '../../machines/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { pins } from '../laws/pins.ts';
import { vendor_map_page, vendor_unmap_page } from './setup/vendor.ts';
import { calls, objects, start, coreOf, viewOf } from './setup/vm.ts';

const set_gpu = local<number>('set_gpu');
const set_vgpu = local<number>('set_vgpu');
const iommu_set = local<number>('iommu_set');
const opened = local<VfioDevice | number>('opened');
const mapped = local<number>('mapped');
const unmapped = local<number>('unmapped');
const pinned = local<number>('pinned');

type Its = View<typeof objects>;

export default defineScenario({
  name: 'both',
  summary: 'A device that is passed through and a mediated one share a container: what both use is charged once',
  source: 'mdev series v11, "One GPU pass through and one vGPU device"; vfio_iommu_type1.c, v4.19.71',
  covers: [],
  tags: ['seed-001', 'nominal'],
  variants: {
    'v4.19': variant({
      objects,
      start,
      threads: (vm) => {
        const user = calls(vm);
        return {
          qemu: [
            user.plugGpu.into(set_gpu),
            user.plugVgpu.into(set_vgpu),
            user.setIommu.into(iommu_set),
            user.openVgpu.into(opened),
            user.mapRam.into(mapped),
            user.unmapRam.into(unmapped),
            user.closeVgpu,
            user.closeVgpuGroup,
            user.closeGpu,
            user.closeContainer,
          ],
          guest: [
            call(vendor_map_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).into(pinned),
            call(vendor_unmap_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).ifOk(pinned),
          ],
        };
      },
      always: { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) },
      sometimes: {
        'both have the page, and it is charged once': ({ page, mm, vendor }) =>
          page._refcount.n === 3 && mm.locked_vm.value === 1 && vendor.cache.value.length === 1,
      },
      atEnd: {
        'each call of user space succeeds': ({ result }) =>
          [set_gpu, set_vgpu, iommu_set, mapped].every((of) => result(of) === 0) &&
          typeof result(opened) === 'object' &&
          result(unmapped) === 1,
        'the container is gone, with its back end': ({ container, all }) =>
          container.freed && all('iommu').every(({ freed }) => freed),
        'nothing is charged': ({ mm }) => mm.locked_vm.value === 0,
      },
      leaks: moduleReferences('vfio_iommu_driver', 'driver'),
      expect: [],
    }),
  },
});
