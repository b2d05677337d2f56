/**
 * A vendor pins a page, and there is no memory to note it.
 *
 * By then the page has its reference and the address space its charge. v4.19.71 undoes both by the function that unpins, which
 * looks for the note that was never made, and finds nothing to undo. v4.19.191 puts the page itself.
 */
import { ENOMEM } from '../../actors/vfio/errno.ts';
import type { Type1 } from '../../actors/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects, start, viewOf } from './setup/attached.ts';
import { vendor_map_page } from './setup/vendor.ts';
import { calls, coreOf, type Vm } from './setup/vm.ts';

type Its = View<typeof objects>;
const mapped = local<number>('mapped');
const pinned = local<number>('pinned');

/** Beside the page table, it is held for what is noted. */
const noted = ({ all }: Its) => all('vpfn').filter(({ freed }) => !freed).length;
const isCharged = { 'what is noted is charged': (view: Its) => view.mm.locked_vm.value === noted(view) };
const leaks = { page: (view: Its) => view.page._refcount.n - 1 - noted(view) };

const design = (options: Partial<Type1>) => ({
  objects,
  start: start.mediated,
  threads: (vm: Vm) => ({
    qemu: [
      calls(vm).mapRam.into(mapped),
      call(vendor_map_page, coreOf(vm, { outOfMemory: true, ...options }), vm.vendor, vm.vgpu_group, 0).into(pinned),
      calls(vm).unmapRam,
      calls(vm).closeVgpu,
    ],
  }),
  sometimes: {
    'there is no memory': ({ result }: Its) => result(pinned) === -ENOMEM,
    'there is memory': ({ result }: Its) => result(pinned) === 0,
  },
});

export default defineScenario({
  name: 'pin-out-of-memory',
  summary: 'A pin for which there is no memory leaves the page pinned and charged',
  source: 'vfio_iommu_type1_pin_pages(), v4.19.71 and v4.19.191',
  covers: ['D-15'],
  tags: ['seed-001'],
  variants: {
    'v4.19.71': variant({
      ...design({}),
      atEnd: isCharged,
      leaks,
      expect: [
        { kind: 'leak', object: 'page' },
        { kind: 'end-state', object: 'mm.locked_vm' },
      ],
    }),
    'v4.19.191': variant({
      ...design({ putsUnlistedPage: true }),
      always: { ...pins<Its>(viewOf, 1), ...lockedVm<Its>(viewOf) },
      atEnd: isCharged,
      leaks,
      expect: [],
    }),
  },
});
