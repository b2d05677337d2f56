/** All small changes of kernel code that are worth trying for a finding, the smallest first. */
import type { Finding } from '../../check/finding.ts';
import { leaveOut } from '../../model/leave-out.ts';
import type { Variant } from '../../model/scenario.ts';
import type { Flow } from '../flow.ts';
import type { Candidate } from './candidate.ts';
import { heldOverMore } from './holds.ts';
import { knownLocks } from './known-locks.ts';
import { inOneOrder } from './lock-orders.ts';
import { leftToOthers } from './one-place.ts';
import { inAnotherOrder } from './orders.ts';
import { leftOut } from './left-out.ts';
import { movedToTheCaller } from './one-caller.ts';
import { stepsTaken, type Taken } from './steps-taken.ts';
import { waitedFor } from './waits.ts';

/** @param flow of the variant as a whole, from an exhaustive search */
export function candidatesFor({ trace, pair, without, fault }: Finding, variant: Variant, flow: Flow): readonly Candidate[] {
  if (trace === null) return [];
  const { taken, standing } = stepsTaken(leaveOut(variant, without), trace);
  const marked = taken.filter((one) => pair.marked.includes(one.trace.index) && isKernelCode(one));
  const stuck = standing.filter(({ thread }) => fault.sites.some((site) => site.thread === thread));
  const locks = knownLocks(flow);
  const all = [
    ...inOneOrder(stuck, taken, locks),
    ...leftToOthers(marked, flow),
    ...inAnotherOrder(marked, taken, flow),
    ...waitedFor(marked, flow),
    ...heldOverMore(sidesOf(marked), taken, locks, flow),
    ...movedToTheCaller(marked, taken, locks, flow),
    ...leftOut(taken),
  ];
  const each = new Map(all.map((one) => [JSON.stringify(one.edits), one] as const).toReversed());
  return [...each.values()].toReversed().toSorted((a, b) => a.size - b.size);
}

/** Only what stands in a function of the kernel can be changed there. */
const isKernelCode = ({ where }: Taken): boolean => where.frame !== null && where.activations.length > 0;

/** By call, in the order in which they begin. */
function sidesOf(marked: readonly Taken[]): readonly (readonly Taken[])[] {
  const sides = new Map<string, Taken[]>();
  for (const one of marked) {
    const key = `${one.trace.thread} ${one.trace.call}`;
    sides.set(key, [...(sides.get(key) ?? []), one]);
  }
  return [...sides.values()];
}
