/**
 * A virtual machine with a GPU that is passed through, a vGPU that a vendor driver mediates, or both, on one container: the
 * objects, where they begin, and what user space calls.
 */
import * as v4_19 from '../../../actors/vfio/v4.19/index.ts';
import { mm_struct, page, running, user_task } from '../../../machines/mm/mm.ts';
import { type HandleOf, type Pool, pool, type Struct } from '../../../machines/object.ts';
import { iommu_domain } from '../../../machines/driver-core/iommu-domain.ts';
import * as structs from '../../../machines/vfio/v4.19/index.ts';
import { call, type View } from '../../../src/index.ts';
import type { Type1View } from '../../laws/type1-view.ts';
import { vendor, vendorCallbacks, vendorOps } from './vendor.ts';

export const objects = {
  vfio: structs.vfio,
  vfio_iommu_driver: structs.vfio_iommu_driver,
  container: structs.vfio_container,
  driver: structs.device_driver,
  gpu: structs.iommu_group,
  gpu_group: structs.vfio_group,
  gpu_dev: structs.device,
  gpu_device: structs.vfio_device,
  vgpu: structs.iommu_group,
  vgpu_group: structs.vfio_group,
  vgpu_dev: structs.device,
  vgpu_device: structs.vfio_device,
  vendor,
  mm: mm_struct,
  qemu: user_task,
  page,
  iommu: pool(structs.vfio_iommu),
  domain: pool(structs.vfio_domain, 2),
  type1_group: pool(structs.type1_group, 2),
  table: pool(iommu_domain, 2),
  dma: pool(structs.vfio_dma, 2),
  vpfn: pool(structs.vfio_pfn, 2),
};

type HandlesOf<O> = {
  readonly [K in keyof O]: O[K] extends Struct<infer T> ? HandleOf<T> : O[K] extends Pool<infer T> ? HandleOf<T> : never;
};
export type Vm = HandlesOf<typeof objects>;

/** The mediated device. */
const NAME = 'a297db4a-f4c2-11e6-90f6-d3b88d6c9525';

const openedGroup = (group: string, iommu_group: string, dev: string, device: string) => ({
  ...structs.registered('driver', { group, iommu_group, devices: { [dev]: device } }),
  [`${group}.kref`]: { n: 2 },
  [`${group}.opened`]: { n: 1 },
  [`${group}.chart`]: { initially: 'opened' },
});

/** The groups are open, nothing is on the container, and one page of the address space is mapped. */
export const start = {
  ...running('mm', ['page'], 'qemu'),
  'vgpu.bus': { value: 'mdev' },
  'vgpu_dev.name': { value: NAME },
  ...openedGroup('gpu_group', 'gpu', 'gpu_dev', 'gpu_device'),
  ...openedGroup('vgpu_group', 'vgpu', 'vgpu_dev', 'vgpu_device'),
  'vfio.group_list': { entries: ['gpu_group', 'vgpu_group'] },
};

/** @param options of the back end, where it is another @param current whose calls they are, where not QEMU's */
export function coreOf(vm: Vm, options: Partial<v4_19.Type1> = {}, current = vm.qemu): v4_19.Core {
  const { iommu, dma, vpfn, domain, type1_group, table, vgpu_group, vfio, vfio_iommu_driver } = vm;
  const type1: v4_19.Type1 = {
    pools: { vfio_iommu: iommu, vfio_dma: dma, vfio_pfn: vpfn, vfio_domain: domain, type1_group, iommu_domain: table },
    callbacks: {
      vendor_dma_unmap: (...told) => vendorCallbacks(core, vgpu_group).vendor_dma_unmap(...told),
    },
    ...options,
  };
  const core: v4_19.Core = {
    vfio,
    iommu_driver: vfio_iommu_driver,
    backend: v4_19.vfio_iommu_driver_ops_type1(type1, current),
    callbacks: {},
    areAllViable: true,
  };
  return core;
}

/** The page at address 0 of the machine. */
export const RAM = { iova: 0, vaddr: 0, size: 1 };

export const calls = (vm: Vm) => {
  const { container, gpu_group, vgpu_group, vgpu_device } = vm;
  const core = coreOf(vm);
  const ops = vendorOps(core, vm.vendor, vgpu_group);
  return {
    plugGpu: call(v4_19.vfio_group_set_container, core, gpu_group, container),
    unplugGpu: call(v4_19.vfio_group_unset_container, core, gpu_group),
    closeGpu: call(v4_19.vfio_group_fops_release, core, gpu_group),
    plugVgpu: call(v4_19.vfio_group_set_container, core, vgpu_group, container),
    openVgpu: call(v4_19.vfio_group_get_device_fd, core, vgpu_group, NAME, ops),
    closeVgpu: call(v4_19.vfio_device_fops_release, core, vgpu_device, ops),
    closeVgpuGroup: call(v4_19.vfio_group_fops_release, core, vgpu_group),
    unplugVgpu: call(v4_19.vfio_group_unset_container, core, vgpu_group),
    setIommu: call(v4_19.vfio_ioctl_set_iommu, core, container),
    mapRam: call(v4_19.vfio_iommu_map_dma, core, container, RAM),
    unmapRam: call(v4_19.vfio_iommu_unmap_dma, core, container, RAM),
    closeContainer: call(v4_19.vfio_fops_release, core, container),
  };
};

/** What the laws look at. */
export const viewOf = ({ container, mm, qemu, page: ram, vendor: driver, all }: View<typeof objects>): Type1View => ({
  containers: [container],
  iommus: all('iommu'),
  dmas: all('dma'),
  vpfns: all('vpfn'),
  pages: [ram],
  tasks: { qemu },
  mms: { mm },
  vendors: [driver],
});
