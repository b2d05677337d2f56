/**
 * The virtual machine goes before its vGPU is closed: KVM tells kvmgt, which cannot unregister its notifiers while it is
 * called by one, and leaves the release to a work item. The close of the device does the same release. Whoever comes second
 * finds that it has begun, and returns at once, though it has not ended.
 *
 * If that is the close, the core goes on: the device's hold on the container is dropped, then that of the group's file, and
 * with the last of them the container lets go of its back end, on which pages are still pinned and a notifier waits. Type1
 * warns of both, frees it and leaves the pages pinned for ever; and when the work item goes on, VFIO refuses to unregister
 * and to unpin, of which kvmgt warns in turn.
 *
 * The notifier chain of the group is left out: what KVM calls is what is on it.
 *
 * The second must wait for the first. v5.10 holds the group until the release has ended; later there is but one way.
 */
import { worker_thread } from '../../actors/sync/work.ts';
import * as proposed from '../../actors/vfio/proposed/index.ts';
import { vfio_group_put_external_user } from '../../actors/vfio/v4.19/index.ts';
import { intel_vgpu_release } from '../../actors/vfio/v4.19/kvmgt.ts';
import * as v5_10 from '../../actors/vfio/v5.10/kvmgt.ts';
import type { HandleTo } from '../../machines/object.ts';
import { workqueues } from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, daemon, defineScenario, variant, type View } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { type AnyVm, calls, coreOf, type Design, pinned, pinnedObjects } from './setup/vgpu.ts';

const objects = { ...pinnedObjects, workqueues };

const threads = (vm: AnyVm & { readonly workqueues: HandleTo<typeof workqueues> }, design: Design) => {
  const user = calls(vm, design);
  return {
    vm: [user.kvmGoes],
    kworker: daemon([call(worker_thread, vm.workqueues.system_wq, user.work)]),
    user: [user.close, user.closeGroup],
  };
};

type Its = Omit<View<typeof objects>, 'all'>;
const atEnd = {
  'the container has let go of its back end, and nothing was left on it': ({ iommu, mm, page, group }: Its) =>
    iommu.freed && mm.locked_vm.value === 0 && page._refcount.n === 1 && group.container_users.n === 0,
  'the driver has let go of KVM': ({ kvm, info }: Its) => kvm.users_count.n === 1 && info.freed,
};

export default defineScenario({
  name: 'close-overtaken',
  summary: 'A close returns while a work item is still at the same release, and the container goes from under it',
  source: '__intel_vgpu_release() of kvmgt.c, v4.19',
  covers: ['D-22'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      objects,
      start: pinned,
      threads: (vm) => threads(vm, { release: intel_vgpu_release }),
      expect: [
        { kind: 'warn', object: 'vfio_sanity_check_pfn_list' },
        { kind: 'warn', object: '__intel_vgpu_release' },
        { kind: 'warn', object: 'gvt_unpin_guest_page' },
      ],
      leadsTo: [{ kind: 'warn', object: 'vfio_sanity_check_pfn_list' }],
    }),
    'v5.10': variant({
      summary: 'The release holds the group, and with it the container, until it has ended.',
      objects,
      start: { ...pinned, 'group.container_users': { n: 3 }, 'group.kref': { n: 4 } },
      threads: (vm) => {
        const release = v5_10.intel_vgpu_release(() => vfio_group_put_external_user(coreOf(vm), vm.group));
        return threads(vm, { release, releaseByWork: release });
      },
      sometimes: {
        'the close comes second, and the group is closed while the work item is at it': ({
          group,
          mm,
          workqueues: { system_wq },
        }) => group.opened.n === 0 && mm.locked_vm.value === 1 && system_wq.running.length === 1,
      },
      atEnd,
      leaks: moduleReferences('vfio_iommu_driver', 'driver'),
      expect: [],
    }),
    'flushes-work': variant({
      summary: 'A close waits until the work item is neither queued nor running.',
      objects,
      start: pinned,
      threads: (vm) => threads(vm, { release: proposed.release_flushing_work }),
      sometimes: {
        'the close comes second, and waits': ({ next, blocked, vgpu }) =>
          next('user') === 'wait_for_flush' && blocked('user') && vgpu.released.n === 1,
        'the work item comes second': ({ workqueues: { system_wq }, info, vgpu }) =>
          system_wq.running.length === 1 && (info.freed || vgpu.handle.value.at === 'NULL'),
      },
      atEnd,
      leaks: moduleReferences('vfio_iommu_driver', 'driver'),
      expect: [],
    }),
  },
});
