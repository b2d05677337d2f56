/**
 * A page may be pinned only while somebody is there to be told that it is unmapped: type1 looks whether the notifier chain
 * is empty, under its own lock. A driver that unregisters takes the lock of the chain, and not that one.
 *
 * A vCPU writes an entry of a page table of the graphics device while the vGPU is closed, and kvmgt pins the page for it.
 * The look finds the notifier there, the close unregisters it, and the pin goes on: a page is pinned and nobody will be
 * told. An unmap that comes before the close unpins it calls an empty chain eleven times, and ends in BUG().
 *
 * It is not enough to stop the pins before the notifier goes; what they have left must be unpinned before it, too
 * (notifier-before-pins). From v6.0 on the list of who is told changes under the lock of the container.
 */
import * as proposed from '../../actors/vfio/proposed/index.ts';
import * as kvmgt from '../../actors/vfio/v4.19/kvmgt.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { atClose, calls, type Design, laws, objects, opened, type Vm } from './setup/vgpu.ts';

const written = local<number>('written');
const unmapped = local<number>('unmapped');

/** An unmap gives up sooner than the kernel, which changes nothing but how long it takes: notifier-before-pins waits for it. */
const threads = (vm: Vm, design: Design) => {
  const user = calls(vm, { ...design, retries: 1 });
  return { vcpu: [user.write.into(written)], closer: [user.close], unmapper: [user.unmap.into(unmapped)] };
};

type Its = Parameters<(typeof laws)[keyof typeof laws]>[0];
/** The vCPU has looked, and is about to note the page as pinned. */
const whatWasSeenHolds = {
  'who has found a notifier pins while it is there': ({ iommu, next }: Its) =>
    iommu.notifier_head.blocks.length > 0 || iommu.lock.owner !== 'vcpu' || next('vcpu') !== 'list_add_tail',
};
const bug = { kind: 'bug', object: 'vfio_dma_do_unmap' } as const;

export default defineScenario({
  name: 'pin-without-notifier',
  summary: 'A page is pinned between the look for a notifier and its end, and nobody is told of its unmap',
  source: 'vfio_iommu_type1_pin_pages() and __intel_vgpu_release() of kvmgt.c, v4.19 to v5.19',
  covers: ['G-1'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      summary:
        'The BUG() comes as well where the page was pinned before the notifier went. An unmap gives up in its third pass here, and not in its twelfth.',
      objects,
      start: opened,
      threads: (vm) => threads(vm, { release: kvmgt.intel_vgpu_release }),
      always: whatWasSeenHolds,
      expect: [{ kind: 'invariant', object: 'iommu.notifier_head' }, bug],
    }),
    'chain-under-lock': variant({
      summary:
        'The chain changes under the lock of the container, as the list does since v6.0: the look holds, what was pinned before is still there, and two locks are taken in both orders (unmap-notice-deadlock). An unmap gives up in its third pass.',
      objects,
      start: opened,
      threads: (vm) =>
        threads(vm, { release: kvmgt.intel_vgpu_release, unregister_notifier: proposed.unregister_notifier_under_lock }),
      always: whatWasSeenHolds,
      expect: [{ kind: 'deadlock', object: 'iommu.notifier_rwsem' }, { kind: 'lock-order', object: 'iommu.lock' }, bug],
    }),
    'unpin-first': variant({
      summary: 'No vCPU pins any more, and nothing is pinned any more, when the notifier goes.',
      objects,
      start: opened,
      threads: (vm) => threads(vm, { release: proposed.release_unpinning_first }),
      always: { ...laws, ...whatWasSeenHolds },
      sometimes: {
        'a page is pinned while the driver closes': ({ vgpu, mm }) => vgpu.released.n === 1 && mm.locked_vm.value === 1,
        'the close waits for a vCPU that pins': ({ next, blocked, mm }) =>
          next('closer') === 'wait_for_gp' && blocked('closer') && mm.locked_vm.value === 1,
        'the driver is told while it closes': ({ iommu, vgpu }) => iommu.notifier_rwsem.state === 'read' && vgpu.released.n === 1,
      },
      atEnd: { ...atClose, 'the memory is unmapped': ({ result }) => result(unmapped) === 1 },
      expect: [],
    }),
  },
});
