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
  container: structs.vfio_container,
  gpu: structs.iommu_group,
  gpu_group: structs.vfio_group,
  vgpu: structs.iommu_group,
  vgpu_group: structs.vfio_group,
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

const at = (name: string) => ({ value: { at: name } });

/** Nothing is on the container, and one page of the address space is mapped. */
export const start = {
  ...running('mm', ['page'], 'qemu'),
  'vgpu.bus': { value: 'mdev' },
  'gpu_group.iommu_group': at('gpu'),
  'gpu_group.opened': { n: 1 },
  'vgpu_group.iommu_group': at('vgpu'),
  'vgpu_group.opened': { n: 1 },
  'vgpu_device.group': at('vgpu_group'),
};

export const type1 = ({ iommu, dma, vpfn, domain, type1_group, table, vgpu_group }: Vm): v4_19.Type1 => ({
  pools: { vfio_iommu: iommu, vfio_dma: dma, vfio_pfn: vpfn, vfio_domain: domain, type1_group, iommu_domain: table },
  callbacks: vendorCallbacks(vgpu_group),
});

/** The page at address 0 of the machine. */
export const RAM = { iova: 0, vaddr: 0, size: 1 };

export const calls = (vm: Vm) => {
  const { vfio, container, gpu_group, vgpu_group, vgpu_device, qemu } = vm;
  const its = type1(vm);
  const ops = vendorOps(vm.vendor, vgpu_group);
  return {
    plugGpu: call(v4_19.vfio_group_set_container, gpu_group, container, qemu, its),
    unplugGpu: call(v4_19.vfio_group_unset_container, gpu_group),
    closeGpu: call(v4_19.vfio_group_fops_release, gpu_group),
    plugVgpu: call(v4_19.vfio_group_set_container, vgpu_group, container, qemu, its),
    openVgpu: call(v4_19.vfio_group_get_device_fd, vgpu_group, ops),
    closeVgpu: call(v4_19.vfio_device_fops_release, vgpu_device, ops),
    unplugVgpu: call(v4_19.vfio_group_unset_container, vgpu_group),
    setIommu: call(v4_19.vfio_ioctl_set_iommu, vfio, container, qemu, its),
    mapRam: call(v4_19.vfio_iommu_map_dma, container, RAM, qemu, its),
    unmapRam: call(v4_19.vfio_iommu_unmap_dma, container, RAM, qemu, its),
    closeContainer: call(v4_19.vfio_fops_release, container),
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
