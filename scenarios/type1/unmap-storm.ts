/**
 * A guest that pins a page again whenever it is told to let go of it.
 *
 * DMA_UNMAP drops iommu->lock to tell the drivers of the pages that they have pinned, and looks again. Nothing keeps the
 * guest from having its device use the page once more in between: the vendor pins it anew, as the mapping is still there.
 * The unmap finds it pinned, tells again, and after ten times more takes that for a driver that does not answer: BUG(),
 * with iommu->lock held. A guest that is quick enough stops its host. (It still does at v6.12.)
 *
 * What to do about it is to give user space an error instead, or to have the vendor refuse what it was told is going.
 */
import type { Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type Callbacks, NOTIFY_OK } from '../../actors/sync/notifier.ts';
import { EBUSY, EFAULT } from '../../actors/vfio/errno.ts';
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { globals, type HandleTo, pool } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import * as structs from '../../machines/vfio/v4.19/index.ts';
import { type Call, call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects as attached, start, viewOf } from './setup/attached.ts';
import { pinsOnce, unpinsWithin, vendor_map_page } from './setup/vendor.ts';
import { RAM, coreOf, type Vm } from './setup/vm.ts';

const mapped = local<number>('mapped');
const unmapped = local<number>('unmapped');

/** Not of the kernel: what the vendor was told is going, and refuses to pin. */
const going = globals('going', { iovas: field<readonly number[]>([]) });
type Going = HandleTo<typeof going>;

function* vendor_map_page_unless_going(core: v4_19.Core, vm: Vm, { iovas }: Going, iova: number): Operation<number> {
  yield* mutex_lock(vm.vendor.cache_lock);
  const refused = (yield* load(iovas)).includes(iova);
  const ret = refused ? -EFAULT : yield* pinsOnce(core, vm.vendor, vm.vgpu_group, iova);
  yield* mutex_unlock(vm.vendor.cache_lock);
  return ret;
}

const refusing = (vm: Vm, { iovas }: Going): Callbacks => ({
  *vendor_dma_unmap(_nb, _action, data) {
    const { iova } = data as v4_19.DmaUnmap;
    yield* mutex_lock(vm.vendor.cache_lock);
    yield* store(iovas, [iova]);
    yield* unpinsWithin(coreOf(vm), vm.vendor, vm.vgpu_group, (other) => other === iova);
    yield* mutex_unlock(vm.vendor.cache_lock);
    return NOTIFY_OK;
  },
});

type Pins = (core: v4_19.Core, vm: Vm, going: Going) => Call;
const pinsAgain: Pins = (core, vm) => call(vendor_map_page, core, vm.vendor, vm.vgpu_group, 0);

/** @param rounds how often the guest may pin: before the unmap, and once each time that it was told */
const objectsFor = (rounds: number) => ({ ...attached, going, vpfn: pool(structs.vfio_pfn, rounds) });
type Its = View<ReturnType<typeof objectsFor>>;

const design = (rounds: number, options: (vm: Vm, going: Going) => Partial<v4_19.Type1>, pinning = pinsAgain) => ({
  objects: objectsFor(rounds),
  start: start.mediated,
  threads: ({ going: its, ...vm }: Vm & { readonly going: Going }) => {
    const core = coreOf(vm, options(vm, its));
    return {
      qemu: [
        call(v4_19.vfio_iommu_map_dma, core, vm.container, RAM).into(mapped),
        call(v4_19.vfio_iommu_unmap_dma, core, vm.container, RAM).into(unmapped),
      ],
      guest: Array.from({ length: rounds }, () => pinning(core, vm, its)),
    };
  },
  always: { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) },
});

const isPinnedAgain = ({ vendor, next, all }: Its) =>
  next('qemu') === 'up_read' && vendor.cache.value.length === 0 && all('vpfn').some(({ freed }) => freed);

export default defineScenario({
  name: 'unmap-storm',
  summary: 'A guest pins a page again each time that an unmap has had it unpinned, until the unmap takes it for a bug',
  source: 'vfio_dma_do_unmap(), v4.19.71; the same at v6.12',
  covers: ['G-2'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      ...design(12, () => ({})),
      sometimes: { 'the page is unpinned, and the guest may pin it anew': isPinnedAgain },
      expect: [{ kind: 'bug', object: 'vfio_dma_do_unmap' }],
    }),
    'gives-up': variant({
      ...design(4, () => ({ retries: 2, givesUp: -EBUSY })),
      summary: 'After as many times it returns -EBUSY. Here that is after two, which makes no difference but to the size.',
      sometimes: {
        'the page is unpinned, and the guest may pin it anew': isPinnedAgain,
        'the unmap gives up': ({ result }) => result(unmapped) === -EBUSY,
        'the unmap succeeds': ({ result }) => result(unmapped) === 1,
      },
      expect: [],
    }),
    'vendor-refuses': variant({
      ...design(
        4,
        (vm, its) => ({ retries: 2, callbacks: refusing(vm, its) }),
        (core, vm, its) => call(vendor_map_page_unless_going, core, vm, its, 0),
      ),
      summary: 'What the vendor was told is going it does not pin any more. BUG() would come after two times, not ten.',
      sometimes: { 'the page is unpinned, and the guest may try to pin it anew': isPinnedAgain },
      atEnd: { 'the unmap succeeds': ({ result }) => result(unmapped) === 1 },
      expect: [],
    }),
  },
});
