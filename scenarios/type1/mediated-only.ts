/**
 * A container with a mediated device only, from the first ioctl to the last close.
 *
 * No IOMMU stands behind such a device. DMA_MAP records where the memory of the guest is and pins nothing; what the vendor
 * driver has programmed into the device it pins page by page, and the address space of the task that has mapped it is
 * charged for each page once. DMA_UNMAP tells the driver, who has to unpin; so does the last close, and the
 * container goes with nothing left on it.
 */
import type { VfioDevice } from '../../machines/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { pins } from '../laws/pins.ts';
import { vendor_map_page, vendor_unmap_page } from './setup/vendor.ts';
import { calls, objects, start, coreOf, viewOf } from './setup/vm.ts';

const set = local<number>('set');
const iommu_set = local<number>('iommu_set');
const opened = local<VfioDevice | number>('opened');
const mapped = local<number>('mapped');
const unmapped = local<number>('unmapped');
const pinned = local<number>('pinned');

type Its = View<typeof objects>;

export default defineScenario({
  name: 'mediated-only',
  summary: 'A mediated device alone on a container: pages are pinned and charged one by one, and unpinned when told',
  source: 'mdev series v11, "vGPU device only"; vfio_iommu_type1.c, v4.19.71',
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
            user.plugVgpu.into(set),
            user.setIommu.into(iommu_set),
            user.openVgpu.into(opened),
            user.mapRam.into(mapped),
            user.unmapRam.into(unmapped),
            user.closeVgpu,
            user.unplugVgpu,
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
        'the page is pinned and charged when it is unmapped': ({ mm, next }) =>
          mm.locked_vm.value === 1 && next('qemu') === 'down_read',
        'a pin before the map is refused': ({ result }) => (result(pinned) ?? 0) < 0,
      },
      atEnd: {
        'each call of user space succeeds': ({ result }) =>
          [set, iommu_set, mapped].every((of) => result(of) === 0) &&
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
