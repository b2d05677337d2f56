/** An address space is charged for what is pinned of the mappings that its tasks have made, and for nothing else. */
import { isAtRest, live, pinnedOf, type Type1View } from './type1-view.ts';

const chargeOf = ({ dmas, tasks }: Type1View, mm: string): number =>
  live(dmas)
    .filter(({ task }) => tasks[task.value.at]?.mm.value.at === mm)
    .reduce((sum, dma) => sum + pinnedOf(dma), 0);

export const lockedVm = <V>(of: (view: V) => Type1View) => ({
  'locked_vm is what is pinned': (view: V) => {
    const it = of(view);
    return !isAtRest(it) || Object.entries(it.mms).every(([name, mm]) => mm.freed || mm.locked_vm.value === chargeOf(it, name));
  },
});
