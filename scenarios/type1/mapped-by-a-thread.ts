/**
 * A thread maps memory and exits, and another thread of the process unmaps it.
 *
 * Up to v4.17 a mapping belongs to the very thread that has made it, a vCPU for instance. When that is unplugged and exits,
 * it has no address space any more to compare with: its sibling is taken for a stranger and unmaps nothing, with success;
 * and when the group goes, nobody is relieved of the charge. Since v4.18 a mapping belongs to the leader of the thread group.
 */
import { exit_mm } from '../../actors/mm/mm.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { byThread } from '../../actors/vfio/v4.17/vfio_iommu_type1.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { type Accounting, byGroupLeader } from '../../actors/vfio/v4.19/vfio_iommu_type1-pages.ts';
import { running, user_task } from '../../machines/mm/mm.ts';
import { globals, type HandleTo } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { objects as attached, start } from './setup/attached.ts';
import { unkillable } from './setup/nobody-is-killed.ts';
import { RAM, coreOf, type Vm } from './setup/vm.ts';

/** Not of the kernel: by this QEMU knows that the memory is mapped. */
const ram = globals('ram', { mapped: completion() });

const objects = { ...attached, vcpu: user_task, ram };
type Its = View<typeof objects>;
type Machine = Vm & { readonly vcpu: Vm['qemu']; readonly ram: HandleTo<typeof ram> };

const mapped = local<number>('mapped');
const unmapped = local<number>('unmapped');

const design = (accounting: Accounting) => ({
  objects,
  start: { ...start.direct, ...running('mm', ['page'], 'qemu', 'vcpu') },
  threads: (vm: Machine) => {
    const core = coreOf(vm, { accounting });
    return {
      vcpu: [
        call(v4_19.vfio_iommu_map_dma, coreOf(vm, { accounting }, vm.vcpu), vm.container, RAM).into(mapped),
        call(complete, vm.ram.mapped),
        call(exit_mm, vm.vcpu),
      ],
      qemu: [
        call(wait_for_completion, vm.ram.mapped),
        call(v4_19.vfio_iommu_unmap_dma, core, vm.container, RAM).into(unmapped),
        call(v4_19.vfio_group_fops_release, core, vm.gpu_group),
      ],
    };
  },
  sometimes: {
    'the thread is gone when its sibling unmaps': ({ vcpu, next, iommu }: Its) =>
      vcpu.mm.value.at === 'NULL' && next('qemu') === 'list_empty' && iommu.dma_list.entries.length === 1,
    'the thread is there when its sibling unmaps': ({ vcpu, result }: Its) => vcpu.mm.value.at === 'mm' && result(unmapped) === 1,
  },
  always: {
    'what a sibling has unmapped is not reached': ({ result, gpu_table }: Its) =>
      !(0 in gpu_table.table.map) || gpu_table.freed || result(unmapped) === undefined,
  },
  atEnd: {
    'without a back end nothing is charged': ({ iommu, mm }: Its) => mm.locked_vm.value === 0 || !iommu.freed,
  },
});

export default defineScenario({
  name: 'mapped-by-a-thread',
  summary: 'The thread that has mapped memory exits, and its siblings can no longer unmap it',
  assumes: 'Nobody is killed, or a charge could be lost in another way: see reaccounting.',
  source: 'vfio_dma_do_map() before v4.18 "vfio/type1: Fix task tracking for QEMU vCPU hotplug"',
  covers: ['G-4'],
  tags: ['seed-001'],
  variants: {
    'v4.17': variant({
      ...design(unkillable(byThread)),
      expect: [
        { kind: 'invariant', object: 'gpu_table.table' },
        { kind: 'end-state', object: 'mm.locked_vm' },
      ],
    }),
    'v4.19': variant({
      ...design(unkillable(byGroupLeader)),
      leaks: moduleReferences('vfio_iommu_driver', 'driver'),
      expect: [],
    }),
  },
});
