/**
 * A container with a device that is passed through and no other, from the first ioctl to the last close, and all that is
 * refused on the way.
 *
 * DMA_MAP pins all that it maps and charges it before the device can reach it; DMA_UNMAP takes it back. What overlaps with a
 * mapping is refused, and so are an unmap that would bisect one, memory that is not there, and more than may be locked. What
 * user space has left mapped goes with the last group.
 */
import * as v4_19 from '../../actors/vfio/v4.19/index.ts';
import { EEXIST, EFAULT, EINVAL, ENOMEM } from '../../actors/vfio/errno.ts';
import { page } from '../../machines/mm/mm.ts';
import { pool } from '../../machines/object.ts';
import * as structs from '../../machines/vfio/v4.19/index.ts';
import { type Call, call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { lockedVm } from '../laws/locked-vm.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { pins } from '../laws/pins.ts';
import { twoPages } from './setup/attached.ts';
import { calls, objects as vmObjects, start, coreOf, viewOf as viewOfVm, type Vm } from './setup/vm.ts';

const objects = { ...vmObjects, page1: page, dma: pool(structs.vfio_dma, 5) };
type Its = View<typeof objects>;
const viewOf = (view: Its) => ({ ...viewOfVm(view), pages: [view.page, view.page1] });

/** The calls of the script, and what each must return. */
const RETURNS = {
  'no back end without a group': -EINVAL,
  'no mapping without a back end': -EINVAL,
  'set container': 0,
  'it is on a container already': -EINVAL,
  'set IOMMU': 0,
  'it has one already': -EINVAL,
  'map two pages': 0,
  'one of them is mapped already': -EEXIST,
  'no page is at that address': -EFAULT,
  'no more may be locked': -ENOMEM,
  'it would bisect the mapping': -EINVAL,
  'nothing is mapped there': 0,
  'unmap two pages': 2,
  'map what is left to the last close': 0,
};
const line = (name: keyof typeof RETURNS, made: Call): Call => made.into(local<number>(name));

const script = (vm: Vm): readonly Call[] => {
  const user = calls(vm);
  const core = coreOf(vm);
  const map = (iova: number, vaddr: number, size: number) =>
    call(v4_19.vfio_iommu_map_dma, core, vm.container, { iova, vaddr, size });
  const unmap = (iova: number, size: number) => call(v4_19.vfio_iommu_unmap_dma, core, vm.container, { iova, size });
  return [
    line('no back end without a group', user.setIommu),
    line('no mapping without a back end', user.mapRam),
    line('set container', user.plugGpu),
    line('it is on a container already', user.plugGpu),
    line('set IOMMU', user.setIommu),
    line('it has one already', user.setIommu),
    line('map two pages', map(0, 0, 2)),
    line('one of them is mapped already', map(1, 0, 1)),
    line('no page is at that address', map(2, 7, 1)),
    line('no more may be locked', map(2, 0, 1)),
    line('it would bisect the mapping', unmap(0, 1)),
    line('nothing is mapped there', unmap(5, 1)),
    line('unmap two pages', unmap(0, 2)),
    line('map what is left to the last close', map(0, 0, 1)),
    user.closeGpu,
    user.closeContainer,
  ];
};

export default defineScenario({
  name: 'direct-only',
  summary: 'A device that is passed through, alone on a container: all that is mapped is pinned and charged',
  source: 'mdev series v11, "GPU pass through only"; vfio_iommu_type1.c, v4.19.71',
  covers: [],
  tags: ['seed-001', 'nominal'],
  variants: {
    'v4.19': variant({
      objects,
      start: { ...start, ...twoPages, 'qemu.rlim_memlock': { value: 2 } },
      threads: (vm) => ({ qemu: script(vm) }),
      always: { ...pins(viewOf, 2), ...lockedVm(viewOf) },
      sometimes: {
        'the device reaches both pages, which are charged': ({ mm, all }) =>
          mm.locked_vm.value === 2 && all('table').some(({ table }) => Object.keys(table.map).length === 2),
      },
      atEnd: {
        'each call returns what it must': ({ result }) =>
          Object.entries(RETURNS).every(([name, returns]) => result(local<number>(name)) === returns),
        'the container is gone, with its back end': ({ container, all }) =>
          container.freed && all('iommu').every(({ freed }) => freed),
        'nothing is charged': ({ mm }) => mm.locked_vm.value === 0,
      },
      leaks: moduleReferences('vfio_iommu_driver', 'driver'),
      expect: [],
    }),
  },
});
