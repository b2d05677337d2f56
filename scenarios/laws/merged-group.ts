/** What holds of a group of v6.6: of its container, of the DMA of its IOMMU group, and of the files of its devices. For `always`. */
import { boundFiles, type Device, type DeviceFile, type Group } from './bound-files.ts';
import { usersUnderLock } from './container-users.ts';
import { named } from './named.ts';
import { oneOwner } from './one-owner.ts';

/** The files come from a pool. */
const ofPool = ({ all }: { readonly all: (pool: 'df') => readonly DeviceFile[] }) => all('df');
type Pooled = Parameters<typeof ofPool>[0];

type Names<G, I, D> = { readonly group: G; readonly iommu_group: I; readonly devices: readonly D[] };

export const lawsOfMergedGroup = <G extends string, I extends string, D extends string, V>(
  { group, iommu_group, devices }: Names<G, I, D>,
  filesOf: (view: V) => readonly DeviceFile[],
) => ({
  ...oneOwner(iommu_group),
  ...usersUnderLock(group, ...devices),
  ...named(group, boundFiles<G, D, V & { readonly [K in G]: Group } & { readonly [K in D]: Device }>(group, devices, filesOf)),
});

export const mergedGroupLaws = <D extends string>(...devices: readonly D[]) =>
  lawsOfMergedGroup<'group', 'iommu_group', D, Pooled>({ group: 'group', iommu_group: 'iommu_group', devices }, ofPool);
