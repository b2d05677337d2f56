/**
 * A vGPU is plugged into a machine with a device that is passed through, and unplugged, while that stays.
 *
 * All memory is pinned and charged already. What the vendor pins adds references, and takes them away, and never a charge; the
 * last mediated group that goes takes nothing along that the IOMMU needs.
 */
import type { VfioDevice } from '../../machines/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects as attached, start, viewOf } from './setup/attached.ts';
import { vendor_map_page, vendor_unmap_page } from './setup/vendor.ts';
import { calls, coreOf } from './setup/vm.ts';

type Its = View<typeof attached>;

const mapped = local<number>('mapped');
const plugged = local<number>('plugged');
const opened = local<VfioDevice | number>('opened');
const unplugged = local<number>('unplugged');
const pinned = local<number>('pinned');

export default defineScenario({
  name: 'hotplug-mediated',
  summary: 'A mediated device comes and goes while one that is passed through stays: nothing is charged twice, or let go of',
  source: 'mdev series v11, "hot plug and unplug vGPU device while GPU pass through device exist"; v4.19.71',
  covers: [],
  tags: ['seed-001', 'nominal'],
  variants: {
    'v4.19': variant({
      objects: attached,
      start: start.direct,
      threads: (vm) => {
        const user = calls(vm);
        return {
          qemu: [
            user.mapRam.into(mapped),
            user.plugVgpu.into(plugged),
            user.openVgpu.into(opened),
            user.closeVgpu,
            user.unplugVgpu.into(unplugged),
          ],
          guest: [
            call(vendor_map_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).into(pinned),
            call(vendor_unmap_page, coreOf(vm), vm.vendor, vm.vgpu_group, 0).ifOk(pinned),
          ],
        };
      },
      always: { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) },
      sometimes: {
        'both have the page': ({ page, mm }) => page._refcount.n === 3 && mm.locked_vm.value === 1,
        'it is closed while the guest has the page pinned': ({ next, all }) =>
          next('qemu') === 'store' && all('vpfn').some(({ freed }) => !freed),
      },
      atEnd: {
        'each call succeeds': ({ result }) =>
          [mapped, plugged, unplugged].every((of) => result(of) === 0) && typeof result(opened) === 'object',
        'the page is pinned for the other, and charged': ({ page, mm }) => page._refcount.n === 2 && mm.locked_vm.value === 1,
        'nobody is told any more': ({ iommu }) => iommu.notifier_head.blocks.length === 0,
      },
      expect: [],
    }),
  },
});
