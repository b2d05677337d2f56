/**
 * A ghost of struct iommu_group: who has been given its DMA, and for whom. It moves in the step of the count, and knows
 * what the count and the one `owner` beside it cannot: two who were both given it.
 */
import { assign } from 'xstate';
import { done, part, setupObject } from '../object.ts';

type Pointer = { readonly path: string };

/** The claimant is a device of the group, or the group itself; the owner is NULL where it is the host. */
export type DmaClaims = {
  claimed: { with: { claimant: Pointer; owner: Pointer } };
  released: { with: { claimant: Pointer } };
};

/** By claimant. */
type Context = { readonly claims: { readonly [claimant: string]: string } };

const most = 16;

const machine = setupObject<Context, DmaClaims>()
  .extend({
    actions: {
      note: assign(({ context, event }) => {
        if (!('owner' in event)) return {};
        const entries = Object.entries({ ...context.claims, [event.claimant.at]: event.owner.at });
        return { claims: Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
      }),
      forget: assign(({ context, event }) => {
        if (!('claimant' in event)) return {};
        const { [event.claimant.at]: _gone, ...claims } = context.claims;
        return { claims };
      }),
    },
  })
  .createMachine({
    id: 'dma_claims',
    context: ({ input }) => input,
    on: { claimed: { actions: ['note', done] }, released: { actions: ['forget', done] } },
  });

export const dmaClaims = () =>
  part<DmaClaims, Context>(machine, { claims: {} }, { range: ({ claims }) => Object.keys(claims).length <= most });
