/**
 * A mediated device is opened twice, by two files, and both are closed. The container came to know it at the first open; at
 * each close it is made to forget it.
 *
 * From the first close on the driver is not told any more of what is unmapped, and its pins are refused, though its device
 * is open. The second close takes an entry off the list that is not on it.
 */
import * as v6_1_rc from '../../actors/vfio/v6.1-rc/index.ts';
import * as v6_1 from '../../actors/vfio/v6.1/index.ts';
import { pool } from '../../machines/object.ts';
import * as in6_1 from '../../machines/vfio/v6.1/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { closed } from '../type1/setup/emulated.ts';

const pinned = local<number>('pinned');

const objects = {
  iommu: in6_1.vfio_iommu,
  mm: in6_1.mm_struct,
  vgpu: in6_1.intel_vgpu,
  group: in6_1.vfio_group,
  vfio_dma: pool(in6_1.vfio_dma),
  vfio_pfn: pool(in6_1.vfio_pfn),
  gvt_dma: pool(in6_1.gvt_dma),
};

interface Vm {
  readonly iommu: in6_1.VfioIommu;
  readonly mm: in6_1.MmStruct;
  readonly vgpu: in6_1.IntelVgpu;
  readonly vfio_dma: in6_1.VfioDma;
  readonly vfio_pfn: in6_1.VfioPfn;
  readonly gvt_dma: in6_1.GvtDma;
}

const script = ({ iommu, mm, vgpu, vfio_dma, ...pools }: Vm, release: typeof v6_1.vfio_device_fops_release) => [
  call(v6_1.vfio_dma_do_map, iommu, mm, { iova: 0, size: 1 }, vfio_dma),
  call(v6_1.vfio_device_open, vgpu, v6_1.intel_vgpu_dev_ops),
  call(v6_1.vfio_device_open, vgpu, v6_1.intel_vgpu_dev_ops),
  call(release, vgpu, v6_1.intel_vgpu_dev_ops),
  call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 0, pools).into(pinned),
  call(release, vgpu, v6_1.intel_vgpu_dev_ops),
];

export default defineScenario({
  name: 'forgotten-twice',
  summary: 'Each close of a device file takes the device off the list of those who are told of unmaps',
  source: 'vfio_device_fops_release() since ce4b4657ff18, v6.0; "vfio: Fix container device registration life cycle", v6.1',
  covers: ['D-32'],
  tags: ['seed-001'],
  variants: {
    'v6.1-rc': variant({
      objects,
      start: closed('vgpu', 'group'),
      threads: (vm) => ({ user: script(vm, v6_1_rc.vfio_device_fops_release) }),
      expect: [{ kind: 'list-corruption', object: 'vgpu.iommu_entry' }],
    }),
    'v6.1': variant({
      objects,
      start: closed('vgpu', 'group'),
      threads: (vm) => ({ user: script(vm, v6_1.vfio_device_fops_release) }),
      sometimes: {
        'the page is pinned after the first close': ({ vgpu, mm }) => vgpu.open_count.value === 1 && mm.pinned.n === 1,
      },
      atEnd: {
        'a device that is open can pin': ({ result }) => result(pinned) === 0,
        'nothing is pinned, and nothing charged': ({ mm }) => mm.pinned.n === 0 && mm.locked_vm.value === 0,
      },
      leaks: {
        'iommu.device_list': ({ iommu }) => iommu.device_list.entries.length,
        'group.container_users': ({ group }) => group.container_users.value - 1,
      },
      expect: [],
    }),
  },
});
