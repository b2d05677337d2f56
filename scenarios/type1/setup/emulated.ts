/** What `start` says of a container of mediated devices at v6.1: what is mapped in it, and which pages drivers have pinned. */
import type { Json } from '../../../machines/object.ts';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** A page that is pinned once: by its number, with what the driver keeps of it and what the container does. */
export interface Pinned {
  readonly gfn: number;
  readonly vfio_pfn: string;
  readonly gvt_dma: string;
}
export interface Mapped {
  readonly dma: string;
  readonly iova: number;
  readonly size: number;
  readonly pinned?: readonly Pinned[];
}

const at = (name: string) => ({ value: { at: name } });
const pinnedIn = ({ pinned = [] }: Mapped): readonly Pinned[] => pinned;

const mapped = (mm: string, start: Mapped): Start => ({
  [`${start.dma}.node`]: { on: 'iommu.dma_list' },
  [`${start.dma}.iova`]: { value: start.iova },
  [`${start.dma}.size`]: { value: start.size },
  [`${start.dma}.mm`]: at(mm),
  [`${start.dma}.locked_vm`]: { value: pinnedIn(start).length },
  [`${start.dma}.pfn_list`]: { entries: pinnedIn(start).map(({ vfio_pfn }) => vfio_pfn) },
  ...Object.fromEntries(
    pinnedIn(start).flatMap(({ vfio_pfn, gfn }) => [
      [`${vfio_pfn}.node`, { on: `${start.dma}.pfn_list` }],
      [`${vfio_pfn}.iova`, { value: gfn }],
      [`${vfio_pfn}.ref_count`, { value: 1 }],
    ]),
  ),
});

const cached = (vgpu: string, pinned: readonly Pinned[]): Start => ({
  [`${vgpu}.gfn_cache`]: { entries: pinned.map(({ gvt_dma }) => gvt_dma) },
  ...Object.fromEntries(
    pinned.flatMap(({ gvt_dma, gfn }) => [
      [`${gvt_dma}.gfn_node`, { on: `${vgpu}.gfn_cache` }],
      [`${gvt_dma}.gfn`, { value: gfn }],
    ]),
  ),
});

const opened = (vgpu: string, group: string): Start => ({
  ...closed(vgpu, group),
  [`${group}.container_users`]: { value: 2 },
  [`${vgpu}.open_count`]: { value: 1 },
  [`${vgpu}.attached`]: { value: true },
  [`${vgpu}.iommu_entry`]: { on: 'iommu.device_list' },
});

/** A device that can be opened, in a group of its own. */
export const closed = (vgpu: string, group: string): Start => ({
  [`${vgpu}.group`]: at(group),
  [`${group}.iommu_data`]: at('iommu'),
});

/**
 * The container is called `iommu`, and the process `mm`.
 * @param open the devices that are open, with their groups: the first of them has pinned
 */
export const emulated = (dmas: readonly Mapped[], open: readonly (readonly [vgpu: string, group: string])[]): Start => {
  const pinned = dmas.flatMap(pinnedIn);
  const [pinner] = open.flatMap(([vgpu]) => vgpu);
  return {
    'iommu.dma_list': { entries: dmas.map(({ dma }) => dma) },
    'iommu.device_list': { entries: open.map(([vgpu]) => vgpu) },
    'mm.locked_vm': { value: pinned.length },
    'mm.pinned': { n: pinned.length },
    ...Object.assign({}, ...dmas.map((dma) => mapped('mm', dma)), ...open.map(([vgpu, group]) => opened(vgpu, group))),
    ...(pinner === undefined ? {} : cached(pinner, pinned)),
  };
};
