/** What holds of the DMA of an IOMMU group, whoever wants it: a container, an iommufd context, drivers of the host. For `always`. */

export interface IommuGroup {
  readonly owner_cnt: { readonly value: number };
  readonly dma: { readonly claims: { readonly [claimant: string]: string } };
  readonly domain: { readonly value: { readonly at: string } };
}
type Laws<N extends string> = { readonly [law: string]: (view: { readonly [K in N]: IommuGroup }) => boolean };

/** Drivers of the host count as one owner, which goes by no name. */
const host = 'NULL';

export const oneOwner = <N extends string>(name: N): Laws<N> => ({
  [`${name} has one owner at a time`]: ({ [name]: { dma } }) => new Set(Object.values(dma.claims)).size <= 1,
  [`${name} counts all to whom it was given`]: ({ [name]: { dma, owner_cnt } }) =>
    owner_cnt.value === Object.keys(dma.claims).length,
  [`${name} is on no page table of user space without an owner`]: ({ [name]: { dma, domain } }) =>
    domain.value.at === 'NULL' || Object.values(dma.claims).some((owner) => owner !== host),
});
