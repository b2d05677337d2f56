/** drivers/iommu/iommu.c, v4.19: the calls on a struct iommu_domain. */
import type { IoPageTable, IommuDomain } from '../../machines/driver-core/iommu-domain.ts';
import type { Page } from '../../machines/mm/mm.ts';
import type { Null } from '../../machines/object.ts';
import { message, type Operation, send } from '../step.ts';

type Group = { readonly path: string };
type Ask<K extends keyof IoPageTable> = IoPageTable[K] extends { readonly with: infer W } ? W : undefined;

const does = <K extends keyof IoPageTable, R = void>(
  kind: 'update' | 'read',
  domain: IommuDomain,
  type: K,
  ask: Ask<K>,
  args: string,
): Operation<R> => send<R>(message(kind, domain.table, type, ask, { c: `${type}($${args})` }));

export const iommu_attach_group = (domain: IommuDomain, group: Group): Operation =>
  does('update', domain, 'iommu_attach_group', { group }, `, ${group.path}`);
export const iommu_detach_group = (domain: IommuDomain, group: Group): Operation =>
  does('update', domain, 'iommu_detach_group', { group }, `, ${group.path}`);

/* One page at a time. */
export const iommu_map = (domain: IommuDomain, iova: number, page: Page): Operation =>
  does('update', domain, 'iommu_map', { iova, page }, `, ${iova}, ${page.path}`);
export const iommu_unmap = (domain: IommuDomain, iova: number): Operation =>
  does('update', domain, 'iommu_unmap', { iova }, `, ${iova}`);
export const iommu_unmap_fast = (domain: IommuDomain, iova: number): Operation =>
  does('update', domain, 'iommu_unmap_fast', { iova }, `, ${iova}`);
export const iommu_tlb_sync = (domain: IommuDomain): Operation => does('update', domain, 'iommu_tlb_sync', undefined, '');
/** @returns NULL where nothing is mapped */
export const iommu_iova_to_phys = (domain: IommuDomain, iova: number): Operation<Page | Null> =>
  does<'iommu_iova_to_phys', Page | Null>('read', domain, 'iommu_iova_to_phys', { iova }, `, ${iova}`);
