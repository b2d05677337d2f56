/**
 * What is pinned for drivers of mediated devices is what they have asked for and not let go of. Each pinned page belongs to
 * a mapping, each mapping to a back end and to a task, and a page is held as often as somebody uses it.
 */
import { isAtRest, live, type Type1View } from './type1-view.ts';

const timesOf = (numbers: readonly number[], iova: number): number => numbers.filter((other) => other === iova).length;

const areAskedFor = ({ vpfns, vendors }: Type1View): boolean => {
  const asked = live(vendors).flatMap(({ cache }) => cache.value);
  const pinned = new Map(live(vpfns).map(({ iova, ref_count }) => [iova.value, ref_count.n]));
  return asked.every((iova) => pinned.get(iova) === timesOf(asked, iova)) && pinned.size === new Set(asked).size;
};

const belongToMappings = ({ dmas, vpfns }: Type1View): boolean => {
  const listed = live(dmas).reduce((sum, { pfn_list }) => sum + pfn_list.entries.length, 0);
  return listed === live(vpfns).length;
};

const belongToTasks = ({ dmas, iommus, tasks }: Type1View): boolean => {
  const linked = live(iommus).reduce((sum, { dma_list }) => sum + dma_list.entries.length, 0);
  return linked === live(dmas).length && live(dmas).every(({ task }) => tasks[task.value.at]?.freed === false);
};

/** Of each page its mappings are the first user. */
const areHeldAsUsed = ({ pages, dmas, vpfns }: Type1View, mappings: number): boolean => {
  const translated = live(dmas).reduce((sum, { iommu_mapped, size }) => sum + (iommu_mapped.value ? size.value : 0), 0);
  const held = live(pages).reduce((sum, { _refcount }) => sum + _refcount.n, 0);
  return held === mappings + translated + live(vpfns).length;
};

/** @param mappings how many times pages are mapped into the address spaces of the scenario, throughout */
export const pins = <V>(of: (view: V) => Type1View, mappings: number) => {
  const atRest = (holds: (view: Type1View) => boolean) => (view: V) => {
    const it = of(view);
    return !isAtRest(it) || holds(it);
  };
  return {
    'what is pinned is what drivers have asked for': atRest(areAskedFor),
    'each pinned page belongs to a mapping': atRest(belongToMappings),
    'each mapping belongs to a back end and to a task': atRest(belongToTasks),
    'each page is held as often as it is used': atRest((it) => areHeldAsUsed(it, mappings)),
  };
};
