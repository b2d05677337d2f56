/**
 * A vGPU is closed while a page of its guest is pinned, and another thread of user space unmaps that page. kvmgt first
 * unregisters the notifier by which it hears of unmaps, and only then begins to unpin, page by page, under a lock that it
 * drops after each.
 *
 * The unmap that comes in between finds the page pinned, calls the chain, on which nobody is any more, and looks again. It
 * does so eleven times, in no time, and then the kernel has had enough: BUG(), with the lock of the container held, for
 * which everybody waits from then on. Any user who may open a vGPU can stop the host.
 *
 * From v6.0 on the device is taken off the list of those who are told after the driver has closed it.
 */
import * as proposed from '../../actors/vfio/proposed/index.ts';
import { vfio_group_put_external_user } from '../../actors/vfio/v4.19/index.ts';
import * as kvmgt from '../../actors/vfio/v4.19/kvmgt.ts';
import * as v5_10 from '../../actors/vfio/v5.10/kvmgt.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { atClose, calls, coreOf, pinned, pinnedLaws, pinnedObjects, type PinnedVm } from './setup/vgpu.ts';

const unmapped = local<number>('unmapped');

const threads = (vm: PinnedVm, release: typeof kvmgt.intel_vgpu_release) => {
  const user = calls(vm, { release });
  return { closer: [user.close], unmapper: [user.unmap.into(unmapped)] };
};

export default defineScenario({
  name: 'notifier-before-pins',
  summary: 'A driver stops being told of unmaps before it unpins, and an unmap in between ends in BUG()',
  source: '__intel_vgpu_release() of kvmgt.c and vfio_dma_do_unmap(), v4.19 to v5.19',
  covers: ['D-23'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      objects: pinnedObjects,
      start: pinned,
      threads: (vm) => threads(vm, kvmgt.intel_vgpu_release),
      sometimes: {
        'the driver unpins before the unmap gives up': ({ result, mm }) => result(unmapped) === 1 && mm.locked_vm.value === 0,
      },
      expect: [{ kind: 'bug', object: 'vfio_dma_do_unmap' }],
      leadsTo: [{ kind: 'deadlock', object: 'iommu.lock' }],
    }),
    'v5.10': variant({
      summary: 'The driver holds the group as well, and has the same order.',
      objects: pinnedObjects,
      start: { ...pinned, 'group.container_users': { n: 3 }, 'group.kref': { n: 4 } },
      threads: (vm) =>
        threads(
          vm,
          v5_10.intel_vgpu_release(() => vfio_group_put_external_user(coreOf(vm), vm.group)),
        ),
      expect: [{ kind: 'bug', object: 'vfio_dma_do_unmap' }],
      leadsTo: [{ kind: 'deadlock', object: 'iommu.lock' }],
    }),
    'unpin-first': variant({
      summary: 'The order since v6.0: what is pinned is unpinned first, and the notifier unregistered last.',
      objects: pinnedObjects,
      start: pinned,
      threads: (vm) => threads(vm, proposed.release_unpinning_first),
      always: pinnedLaws,
      sometimes: {
        'the driver is told of the unmap while it closes': ({ iommu, vgpu }) =>
          iommu.notifier_rwsem.state === 'read' && vgpu.released.n === 1,
        'the unmap finds the notifier gone': ({ iommu, next }) =>
          iommu.notifier_head.blocks.length === 0 && next('unmapper') === 'head',
      },
      atEnd: { ...atClose, 'the memory is unmapped': ({ result }) => result(unmapped) === 1 },
      expect: [],
    }),
  },
});
