/**
 * Where a container is in use: a GPU that is passed through is on it, or an open vGPU, or both, and nothing is mapped. What
 * has no name in `vm.ts` is memory of the back end that was allocated for these groups.
 */
import { iommu_domain } from '../../../machines/driver-core/iommu-domain.ts';
import { pool } from '../../../machines/object.ts';
import * as structs from '../../../machines/vfio/v4.19/index.ts';
import type { View } from '../../../src/index.ts';
import type { Type1View } from '../../laws/type1-view.ts';
import { objects as vm, start as vmStart } from './vm.ts';

const { iommu: _iommu, domain: _domain, type1_group, table: _table, ...others } = vm;
export const objects = {
  ...others,
  iommu: structs.vfio_iommu,
  gpu_domain: structs.vfio_domain,
  gpu_table: iommu_domain,
  gpu_member: structs.type1_group,
  vgpu_domain: structs.vfio_domain,
  vgpu_member: structs.type1_group,
  type1_group,
  domain: pool(structs.vfio_domain),
  table: pool(iommu_domain),
};

const at = (name: string) => ({ value: { at: name } });
const linked = (on: string) => ({ on, initialised: true });

const onContainer = (group: string, users: number) => ({
  [`${group}.container`]: at('container'),
  [`${group}.container_users`]: { n: users },
  [`${group}.container_next`]: linked('container.group_list'),
  [`${group}.chart`]: { initially: 'attached' },
});

const container = (...groups: readonly string[]) => ({
  'container.kref': { n: 1 + groups.length },
  'container.group_list': { entries: groups },
  'container.iommu_driver': at('vfio_iommu_driver'),
  'vfio_iommu_driver.owner': { refcnt: 2 },
  'container.iommu_data': at('iommu'),
  'container.chart': { initially: 'iommu_set', groups: groups.length },
});

const gpu = {
  ...onContainer('gpu_group', 1),
  'iommu.domain_list': { entries: ['gpu_domain'] },
  'gpu_domain.next': linked('iommu.domain_list'),
  'gpu_domain.domain': at('gpu_table'),
  'gpu_table.table': { groups: ['gpu'] },
  'gpu_domain.group_list': { entries: ['gpu_member'] },
  'gpu_member.iommu_group': at('gpu'),
  'gpu_member.next': linked('gpu_domain.group_list'),
};

const vgpu = {
  ...onContainer('vgpu_group', 2),
  'vgpu_group.kref': { n: 3 },
  'vgpu_device.kref': { n: 2 },
  'vgpu_device.files': { n: 1 },
  'iommu.external_domain': at('vgpu_domain'),
  'iommu.notifier_head': { blocks: ['vendor.nb'] },
  'vgpu_domain.group_list': { entries: ['vgpu_member'] },
  'vgpu_member.iommu_group': at('vgpu'),
  'vgpu_member.next': linked('vgpu_domain.group_list'),
  'vendor.active': { value: true },
};

/** A second page of the address space, at address 1. */
export const twoPages = { 'mm.pgd': { pages: ['page', 'page1'] } };

export const start = {
  direct: { ...vmStart, ...container('gpu_group'), ...gpu },
  mediated: { ...vmStart, ...container('vgpu_group'), ...vgpu },
  both: { ...vmStart, ...container('gpu_group', 'vgpu_group'), ...gpu, ...vgpu },
};

/** What the laws look at. @param more who is there besides */
export const viewOf = (
  { container: its, iommu, mm, qemu, page, vendor, all }: View<typeof objects>,
  more: Partial<Pick<Type1View, 'tasks' | 'mms' | 'pages'>> = {},
): Type1View => ({
  containers: [its],
  iommus: [iommu],
  dmas: all('dma'),
  vpfns: all('vpfn'),
  pages: [page, ...(more.pages ?? [])],
  tasks: { qemu, ...more.tasks },
  mms: { mm, ...more.mms },
  vendors: [vendor],
});
