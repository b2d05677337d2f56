/**
 * A driver may pin pages only if it can be told that user space unmaps them, for then it has to let go of them.
 *
 * One that asks to be told when its device is opened can pin until the device is closed: what is unmapped meanwhile it
 * unpins when it is told, and the rest when it closes. One that does not ask has every pin refused. A driver that only
 * emulates a device, as the sample mtty does, never asks and never pins.
 */
import { intel_vgpu_release } from '../../actors/vfio/v4.19/kvmgt.ts';
import * as v6_1 from '../../actors/vfio/v6.1/index.ts';
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as in6_1 from '../../machines/vfio/v6.1/index.ts';
import { pool } from '../../machines/object.ts';
import type { VfioDevice } from '../../machines/vfio/v4.19/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { closed } from '../type1/setup/emulated.ts';
import * as v11 from './setup/v11.ts';
import { calls, closed as closedVgpu, closedObjects, laws, onContainer } from './setup/vgpu.ts';

const opened = local<VfioDevice | number>('opened');
const pinned = { low: local<number>('pinned.low'), again: local<number>('pinned.again'), high: local<number>('pinned.high') };
const pinned_after = local<number>('pinned_after');
const unmapped = local<number>('unmapped');

const low = { iova: 0, size: 1 };
const high = { iova: 1, size: 1 };

const objects = {
  iommu: in6_1.vfio_iommu,
  mm: in6_1.mm_struct,
  vgpu: in6_1.intel_vgpu,
  group: in6_1.vfio_group,
  vfio_dma: pool(in6_1.vfio_dma, 2),
  vfio_pfn: pool(in6_1.vfio_pfn, 2),
  gvt_dma: pool(in6_1.gvt_dma, 2),
};

/** Open, have the guest use a page, unmap that, have it used again, close. */
const v11Script = (vm: v11.Vm, design: v11.Design) => {
  const user = v11.calls(vm, design);
  return [user.open.into(opened), user.pin.into(pinned.low), user.unmap.into(unmapped), user.pin.into(pinned_after), user.close];
};

type V11 = View<typeof v11.objects>;
type Container = Pick<V11, 'dma' | 'iommu' | 'mm' | 'page'>;
const isTold = ({ dma, iommu }: Container) =>
  dma.freed || dma.pfn_list.entries.length === 0 || iommu.notifier_head.blocks.length > 0;
const isOver = ({ mm, page, iommu }: Container) =>
  mm.locked_vm.value === 0 && page._refcount.n === 1 && iommu.notifier_head.blocks.length === 0;
const v11Leaks = {
  session: ({ all }: V11) => all('session').filter(({ freed }) => !freed).length,
  vfio_pfn: ({ all }: V11) => all('vfio_pfn').filter(({ freed }) => !freed).length,
  'vfio_mdev.owner': ({ vfio_mdev }: V11) => vfio_mdev.owner.refcnt - 1,
  'group.container_users': ({ group }: V11) => group.container_users.n - 1,
};

const { dma_unmap: _notTold, ...deaf } = v6_1.intel_vgpu_dev_ops;

export default defineScenario({
  name: 'pins-need-notice',
  summary: 'A driver that is told of what is unmapped can pin, and one that is not cannot',
  source: 'mdev series v11; drivers/vfio/vfio_iommu_type1.c and drivers/gpu/drm/i915/gvt/kvmgt.c, v6.1',
  covers: [],
  tags: ['seed-001', 'nominal'],
  variants: {
    v11: variant({
      summary: 'vfio_mdev registers the notifier at the open of the device, and unregisters it at its close.',
      objects: v11.objects,
      start: onContainer,
      threads: (vm) => ({ user: v11Script(vm, 'v11') }),
      always: { 'a page is pinned only while somebody is told': isTold },
      sometimes: { 'the page is pinned': ({ mm, page }) => mm.locked_vm.value === 1 && page._refcount.n === 2 },
      atEnd: {
        'the pin is granted until the memory is unmapped': ({ result }) =>
          typeof result(opened) === 'object' &&
          result(pinned.low) === 1 &&
          result(unmapped) === 1 &&
          result(pinned_after) === -EINVAL,
        'nothing is pinned, and nobody told': isOver,
      },
      leaks: v11Leaks,
      expect: [],
    }),
    'v11-not-told': variant({
      summary: 'The driver has no notifier among its ops.',
      objects: v11.objects,
      start: onContainer,
      threads: (vm) => ({ user: v11Script(vm, 'not-told') }),
      always: { 'a page is pinned only while somebody is told': isTold },
      atEnd: {
        'every pin is refused, and else nothing': ({ result }) =>
          typeof result(opened) === 'object' &&
          result(pinned.low) === -EINVAL &&
          result(unmapped) === 1 &&
          result(pinned_after) === -EINVAL,
        'nothing is pinned, and nobody told': isOver,
      },
      leaks: v11Leaks,
      expect: [],
    }),
    'v11-mtty': variant({
      summary: 'A driver that only emulates: it is opened and closed, and that is all.',
      objects: v11.objects,
      start: onContainer,
      threads: (vm) => {
        const user = v11.calls(vm, 'never-pins');
        return { user: [user.open.into(opened), user.unmap.into(unmapped), user.close] };
      },
      atEnd: {
        'it needs no notifier': ({ result }) => typeof result(opened) === 'object' && result(unmapped) === 1,
        'nothing is pinned, and nobody told': isOver,
      },
      leaks: v11Leaks,
      expect: [],
    }),
    'v4.10': variant({
      summary: 'The driver registers and unregisters itself.',
      objects: v11.objects,
      start: onContainer,
      threads: (vm) => ({ user: v11Script(vm, 'registers-itself') }),
      always: { 'a page is pinned only while somebody is told': isTold },
      sometimes: { 'the page is pinned': ({ mm, page }) => mm.locked_vm.value === 1 && page._refcount.n === 2 },
      atEnd: {
        'the pin is granted until the memory is unmapped': ({ result }) =>
          typeof result(opened) === 'object' &&
          result(pinned.low) === 1 &&
          result(unmapped) === 1 &&
          result(pinned_after) === -EINVAL,
        'nothing is pinned, and nobody told': isOver,
      },
      leaks: v11Leaks,
      expect: [],
    }),
    'v4.19': variant({
      summary: 'kvmgt, for which a vCPU pins by writing to a page table of the graphics device.',
      objects: closedObjects,
      start: closedVgpu,
      threads: (vm) => {
        const user = calls(vm, { release: intel_vgpu_release });
        return {
          user: [
            user.open.into(opened),
            user.write.into(pinned.low),
            user.unmap.into(unmapped),
            user.write.into(pinned_after),
            user.close,
          ],
        };
      },
      always: { ...laws, 'a page is pinned only while somebody is told': isTold },
      sometimes: { 'the page is pinned': ({ mm, page }) => mm.locked_vm.value === 1 && page._refcount.n === 2 },
      atEnd: {
        'the pin is granted until the memory is unmapped': ({ result }) =>
          typeof result(opened) === 'object' &&
          result(pinned.low) === 0 &&
          result(unmapped) === 1 &&
          result(pinned_after) === -EINVAL,
        'nothing is pinned, and nobody told': isOver,
      },
      leaks: {
        guest_info: ({ all }) => all('guest_info').filter(({ freed }) => !freed).length,
        kvm: ({ kvm }) => kvm.users_count.n - 1,
        'group.container_users': ({ group }) => group.container_users.n - 1,
      },
      expect: [],
    }),
    'v6.1': variant({
      objects,
      start: closed('vgpu', 'group'),
      threads: ({ iommu, mm, vgpu, vfio_dma, ...pools }) => ({
        user: [
          call(v6_1.vfio_dma_do_map, iommu, mm, low, vfio_dma),
          call(v6_1.vfio_dma_do_map, iommu, mm, high, vfio_dma),
          call(v6_1.vfio_device_open, vgpu, v6_1.intel_vgpu_dev_ops).into(opened),
          call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 0, pools).into(pinned.low),
          call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 0, pools).into(pinned.again),
          call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 1, pools).into(pinned.high),
          call(v6_1.vfio_dma_do_unmap, iommu, low, v6_1.vfio_notify_dma_unmap(v6_1.intel_vgpu_dev_ops)).into(unmapped),
          call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 0, pools).into(pinned_after),
          call(v6_1.vfio_device_fops_release, vgpu, v6_1.intel_vgpu_dev_ops),
        ],
      }),
      always: {
        'each pinned page is charged': ({ mm, iommu }) => mm.pinned.n === mm.locked_vm.value || iommu.lock.owner !== null,
      },
      sometimes: { 'two pages are pinned': ({ mm }) => mm.pinned.n === 2 && mm.locked_vm.value === 2 },
      atEnd: {
        'every pin of what was mapped is granted': ({ result }) =>
          [opened, pinned.low, pinned.again, pinned.high].every((one) => result(one) === 0) && result(unmapped) === 1,
        'what is no longer mapped cannot be pinned': ({ result }) => result(pinned_after) === -EINVAL,
        'nothing is pinned, and nothing charged': ({ mm }) => mm.pinned.n === 0 && mm.locked_vm.value === 0,
        'what was not unmapped is still mapped': ({ iommu }) => iommu.dma_list.entries.length === 1,
      },
      leaks: {
        vfio_pfn: ({ all }) => all('vfio_pfn').filter(({ freed }) => !freed).length,
        gvt_dma: ({ all }) => all('gvt_dma').filter(({ freed }) => !freed).length,
        'iommu.device_list': ({ iommu }) => iommu.device_list.entries.length,
        'group.container_users': ({ group }) => group.container_users.value - 1,
      },
      // The order of the two locks is what unmap-notice-deadlock is about.
      expect: [{ kind: 'lock-order', object: 'iommu.device_list_lock', between: ['mutex_lock', 'mutex_lock'] }],
      leadsToNothing: true,
    }),
    'v6.1-not-told': variant({
      summary: 'The driver has no dma_unmap.',
      objects,
      start: closed('vgpu', 'group'),
      threads: ({ iommu, mm, vgpu, vfio_dma, ...pools }) => ({
        user: [
          call(v6_1.vfio_dma_do_map, iommu, mm, low, vfio_dma),
          call(v6_1.vfio_device_open, vgpu, deaf).into(opened),
          call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 0, pools).into(pinned.low),
          call(v6_1.intel_gvt_dma_map_guest_page, vgpu, 0, pools).into(pinned.again),
          call(v6_1.vfio_dma_do_unmap, iommu, low, v6_1.vfio_notify_dma_unmap(v6_1.intel_vgpu_dev_ops)).into(unmapped),
          call(v6_1.vfio_device_fops_release, vgpu, deaf),
        ],
      }),
      always: { 'nothing is ever pinned': ({ mm }) => mm.pinned.n === 0 },
      atEnd: {
        'every pin is refused': ({ result }) => result(pinned.low) === -EINVAL && result(pinned.again) === -EINVAL,
        'opens and unmaps are not': ({ result }) => result(opened) === 0 && result(unmapped) === 1,
      },
      leaks: { 'group.container_users': ({ group }) => group.container_users.value - 1 },
      expect: [],
    }),
  },
});
