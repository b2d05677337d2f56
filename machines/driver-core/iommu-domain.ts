/**
 * struct iommu_domain (include/linux/iommu.h, v4.19): which pages the devices of its groups reach, by number of the page in
 * the space of I/O addresses.
 *
 * Left out: sizes of pages but one; maps that fail. A page that iommu_unmap_fast() has taken out is still reached through
 * the IOTLB until iommu_tlb_sync().
 */
import { assign } from 'xstate';
import { done, type HandleTo, NULL_NAME, part, setupObject, struct } from '../object.ts';

type Pointer = { readonly path: string };
export type IoPageTable = {
  iommu_attach_group: { with: { group: Pointer } };
  iommu_detach_group: { with: { group: Pointer } };
  iommu_map: { with: { iova: number; page: Pointer } };
  iommu_unmap: { with: { iova: number } };
  iommu_unmap_fast: { with: { iova: number } };
  iommu_tlb_sync: object;
  /** NULL where nothing is mapped. */
  iommu_iova_to_phys: { with: { iova: number }; reply: Pointer };
};

type Pages = { readonly [iova: number]: string };
type Context = {
  readonly groups: readonly string[];
  readonly map: Pages;
  /** What is out of the table, and perhaps in the IOTLB. */
  readonly stale: Pages;
};

const without = (pages: Pages, iova: number): Pages =>
  Object.fromEntries(Object.entries(pages).filter(([at]) => Number(at) !== iova));

const machine = setupObject<Context, IoPageTable>()
  .extend({
    actions: {
      attach: assign({
        groups: ({ context, event }) =>
          event.type === 'iommu_attach_group' ? [...context.groups, event.group.at].toSorted() : context.groups,
      }),
      detach: assign({
        groups: ({ context, event }) =>
          event.type === 'iommu_detach_group' ? context.groups.filter((group) => group !== event.group.at) : context.groups,
      }),
      map: assign({
        map: ({ context, event }) => (event.type === 'iommu_map' ? { ...context.map, [event.iova]: event.page.at } : context.map),
      }),
      unmap: assign({ map: ({ context, event }) => ('iova' in event ? without(context.map, event.iova) : context.map) }),
      leave: assign({
        stale: ({ context, event }) => {
          const page = event.type === 'iommu_unmap_fast' ? context.map[event.iova] : undefined;
          return page === undefined || !('iova' in event) ? context.stale : { ...context.stale, [event.iova]: page };
        },
      }),
      flush: assign({ stale: {} }),
    },
  })
  .createMachine({
    id: 'iommu_domain',
    context: ({ input }) => input,
    on: {
      iommu_attach_group: { actions: ['attach', done] },
      iommu_detach_group: { actions: ['detach', done] },
      iommu_map: { actions: ['map', done] },
      iommu_unmap: { actions: ['unmap', done] },
      iommu_unmap_fast: { actions: ['leave', 'unmap', done] },
      iommu_tlb_sync: { actions: ['flush', done] },
      iommu_iova_to_phys: {
        actions: {
          type: 'answer',
          params: ({ context, event }) => ({
            value: { at: (event.type === 'iommu_iova_to_phys' ? context.map[event.iova] : undefined) ?? NULL_NAME.at },
          }),
        },
      },
    },
  });

export const iommu_domain = struct('iommu_domain', {
  table: part<IoPageTable, Context>(machine, { groups: [], map: {}, stale: {} }),
});
export interface IommuDomain extends HandleTo<typeof iommu_domain> {}
