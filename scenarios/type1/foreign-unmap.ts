/**
 * Who may unmap what another has mapped, and what he is told.
 *
 * QEMU maps its memory, and unmaps it from other threads. A mapping may be unmapped by whoever shares the address space that
 * it was made from. Who does not, a child that was forked with the container's descriptor or a stranger that was sent it,
 * finds the mapping and stops there. The cover letter says that the unmap fails; the code returns success, and has user space
 * find out from the size that it gets back that nothing was unmapped. Who does not look at it takes for gone what the
 * device still reaches.
 */
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { EPERM } from '../../actors/vfio/errno.ts';
import { mm_struct, running, user_task } from '../../machines/mm/mm.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { pins } from '../laws/pins.ts';
import { objects as attached, start, viewOf } from './setup/attached.ts';
import { calls, RAM, coreOf, type Vm } from './setup/vm.ts';

const objects = { ...attached, other: user_task, mm_other: mm_struct };
type Its = View<typeof objects>;
type Machine = Vm & { readonly other: Vm['qemu'] };

const mapped = local<number>('mapped');
const unmapped = local<number>('unmapped');

const reaches = ({ gpu_table }: Its) => 0 in gpu_table.table.map;

const sharing = { ...start.direct, ...running('mm', ['page'], 'qemu', 'other') };
/** Its own address space has the page, too, as fork(2) has left it. */
const forked = { ...start.direct, ...running('mm_other', ['page'], 'other'), 'page._refcount': { n: 2 } };
const unrelated = { ...start.direct, ...running('mm_other', [], 'other') };

interface Design {
  readonly start: typeof sharing | typeof forked | typeof unrelated;
  /** How many page tables have the page. */
  readonly mappings: number;
  readonly options?: Partial<v4_19.Type1>;
}
const design = ({ start: begin, mappings, options = {} }: Design) => {
  const of = (view: Its) => viewOf(view, { tasks: { other: view.other }, mms: { mm_other: view.mm_other } });
  return {
    objects,
    start: begin,
    threads: (vm: Machine) => ({
      user: [
        calls(vm).mapRam.into(mapped),
        call(v4_19.vfio_iommu_unmap_dma, coreOf(vm, options, vm.other), vm.container, RAM).into(unmapped),
      ],
    }),
    always: { ...pins(of, mappings), ...lockedVm(of) },
    sometimes: { 'the device reaches what is mapped': reaches },
  };
};

/** He passes the result on, and not the size. */
const isGone = (view: Its) => (view.result(unmapped) ?? -1) < 0 || !reaches(view);
const said = 'what was unmapped with success is not reached any more';
const toldOfSuccess = [{ kind: 'end-state', object: 'gpu_table.table' }] as const;

export default defineScenario({
  name: 'foreign-unmap',
  summary: 'An unmap by who does not share the address space of the mapping unmaps nothing, and is told of success',
  source: 'mdev series v11; vfio_dma_do_unmap(), v4.19.71',
  covers: ['G-3'],
  tags: ['seed-001'],
  variants: {
    itself: variant({
      ...design({ start: sharing, mappings: 1 }),
      summary: 'QEMU unmaps what it has mapped, and a thread of it does.',
      threads: (vm) => ({
        qemu: [calls(vm).mapRam.into(mapped), calls(vm).unmapRam],
        sibling: [call(v4_19.vfio_iommu_unmap_dma, coreOf(vm, {}, vm.other), vm.container, RAM).into(unmapped)],
      }),
      sometimes: {
        'the device reaches what is mapped': reaches,
        'a thread unmaps what another has mapped': ({ result }) => result(unmapped) === 1,
      },
      atEnd: { [said]: (view) => !reaches(view) },
      expect: [],
    }),
    child: variant({
      ...design({ start: forked, mappings: 2 }),
      summary: 'A forked child unmaps, and does not look at the size.',
      atEnd: { [said]: isGone },
      expect: toldOfSuccess,
    }),
    stranger: variant({
      ...design({ start: unrelated, mappings: 1 }),
      summary: 'A process that was sent the descriptor unmaps, and does not look at the size.',
      atEnd: { [said]: isGone },
      expect: toldOfSuccess,
    }),
    'child-refused': variant({
      ...design({ start: forked, mappings: 2, options: { refuses: -EPERM } }),
      summary: 'As the cover letter has it: the unmap fails.',
      atEnd: { [said]: isGone, 'it is told that it may not': ({ result }) => result(unmapped) === -EPERM },
      expect: [],
    }),
    'child-looks': variant({
      ...design({ start: forked, mappings: 2 }),
      summary: 'The child looks at the size, and knows.',
      atEnd: { 'what was unmapped is as much as is said': (view) => view.result(unmapped) === (reaches(view) ? 0 : 1) },
      expect: [],
    }),
  },
});
