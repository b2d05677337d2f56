/**
 * A process maps its memory and execs a program that has the container's descriptor still open.
 *
 * The mapping belongs to the task, and the task has another address space now. That of the mapping was charged, and is gone
 * with its charge; when the new program unmaps, which it may, as it is the same task, its own address space is relieved of
 * what it was never charged for. locked_vm goes below 0, where it is a very large number, and the next who asks for a
 * page to be locked is over any limit. Since v5.10.198 (v6.3) a mapping remembers the address space, and charges nobody
 * where that is gone.
 */
import { exec_mmap } from '../../actors/mm/mm.ts';
import { byMm } from '../../actors/vfio/v5.10/vfio_iommu_type1.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { mm_struct } from '../../machines/mm/mm.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { objects as attached, start } from './setup/attached.ts';
import { RAM, coreOf, type Vm } from './setup/vm.ts';

const objects = { ...attached, mm_new: mm_struct };
type Its = View<typeof objects>;

const unmapped = local<number>('unmapped');

const design = (options: Partial<v4_19.Type1>) => ({
  objects,
  start: start.direct,
  threads: (vm: Vm & { readonly mm_new: Vm['mm'] }) => {
    const core = coreOf(vm, options);
    return {
      qemu: [
        call(v4_19.vfio_iommu_map_dma, core, vm.container, RAM),
        call(exec_mmap, vm.qemu, vm.mm_new),
        call(v4_19.vfio_iommu_unmap_dma, core, vm.container, RAM).into(unmapped),
      ],
    };
  },
  sometimes: {
    'the mapping outlives the address space that it is from': ({ mm, gpu_table }: Its) =>
      mm.mm_users.n === 0 && 0 in gpu_table.table.map,
  },
  atEnd: { 'the new program unmaps it': ({ result }: Its) => result(unmapped) === 1 },
  always: { 'nobody is relieved of what he was not charged for': ({ mm_new }: Its) => mm_new.locked_vm.value >= 0 },
});

export default defineScenario({
  name: 'exec-keeps-mappings',
  summary: 'After an exec an unmap relieves the new address space of what the old one was charged for',
  source: 'vfio_lock_acct(), v4.19.71; v6.3 "vfio/type1: prevent underflow of locked_vm via exec()"',
  covers: ['G-5'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({ ...design({}), expect: [{ kind: 'invariant', object: 'mm_new.locked_vm' }] }),
    'v5.10.198': variant({ ...design({ accounting: byMm }), expect: [] }),
  },
});
