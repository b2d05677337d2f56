/**
 * A device that is passed through is plugged into a machine with a vGPU, and not all of the memory may be locked for it.
 *
 * What is mapped is pinned for the new domain, mapping by mapping. v4.19.71 gives up at the one that fails and leaves those
 * before it as they are: pinned, charged, and said to be mapped, while no domain is there. Whoever tries again has the replay
 * copy their translations from the first domain of an empty list. v4.19.191 takes back what was done.
 */
import { ENOMEM } from '../../actors/vfio/errno.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { vfio_iommu_replay } from '../../actors/vfio/v5.10/vfio_iommu_type1.ts';
import { page } from '../../machines/mm/mm.ts';
import { pool } from '../../machines/object.ts';
import { iommu_domain } from '../../machines/driver-core/iommu-domain.ts';
import * as structs from '../../machines/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects as attached, start, twoPages, viewOf as viewOfAttached } from './setup/attached.ts';
import { coreOf, type Vm } from './setup/vm.ts';

const objects = {
  ...attached,
  page1: page,
  domain: pool(structs.vfio_domain, 2),
  table: pool(iommu_domain, 2),
};
type Its = View<typeof objects>;
const viewOf = (view: Its) => viewOfAttached(view, { pages: [view.page1] });

const plugged = local<number>('plugged');
const again = local<number>('again');

const design = (options: Partial<v4_19.Type1>) => ({
  objects,
  start: { ...start.mediated, ...twoPages, 'qemu.rlim_memlock': { value: 1 } },
  threads: (vm: Vm) => {
    const core = coreOf(vm, options);
    const map = (at: number) => call(v4_19.vfio_iommu_map_dma, core, vm.container, { iova: at, vaddr: at, size: 1 });
    const plug = call(v4_19.vfio_group_set_container, core, vm.gpu_group, vm.container);
    return { qemu: [map(0), map(1), plug.into(plugged), plug.into(again)] };
  },
  sometimes: { 'it may not lock all': ({ result }: Its) => result(plugged) === -ENOMEM },
});

export default defineScenario({
  name: 'replay-fails',
  summary: 'A group is refused halfway, and what was mapped for it is left as if it were there',
  source: 'vfio_iommu_replay(), v4.19.71 and v4.19.191',
  covers: ['D-18'],
  tags: ['seed-001'],
  variants: {
    'v4.19.71': variant({
      ...design({}),
      // In C it is no NULL but the list head itself, taken for a domain: a wild pointer.
      expect: [{ kind: 'null-deref', object: 'domain' }],
    }),
    'v4.19.191': variant({
      ...design({ replay: vfio_iommu_replay }),
      always: { ...pins(viewOf, 2), ...lockedVm(viewOf) },
      atEnd: {
        'it is refused both times': ({ result }) => result(plugged) === -ENOMEM && result(again) === -ENOMEM,
        'nothing is charged': ({ mm }) => mm.locked_vm.value === 0,
      },
      expect: [],
    }),
  },
});
