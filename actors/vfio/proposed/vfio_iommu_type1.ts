/**
 * drivers/vfio/vfio_iommu_type1.c as it could be: how a container tells its devices of an unmap without a circle of locks.
 * It is in no kernel.
 *
 * device_list_lock comes before iommu->lock wherever both are held, as the rwsem of the notifier chain did before v6.0. The
 * list still changes under both, and what the notice says is read while the mapping cannot go.
 */
import type { Operation } from '../../step.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import type { NotifiedOps, Notify, VfioIommuDriverOps } from '../v6.1/index.ts';
import type { VfioDevice, VfioIommu } from '../../../machines/vfio/v6.1/index.ts';

function* tellAll({ device_list }: VfioIommu, { dma_unmap }: NotifiedOps, iova: number, size: number): Operation {
  yield* list_for_each_entry<VfioDevice, undefined>(device_list, 'iommu_entry', function* (device) {
    yield* dma_unmap(device, iova, size);
    return undefined;
  });
}

export const notify_with_list_lock_outside = (ops: NotifiedOps): Notify =>
  function* vfio_notify_dma_unmap(iommu, dma) {
    if (yield* list_empty(iommu.device_list)) return;
    const iova = yield* load(dma.iova);
    const size = yield* load(dma.size);
    yield* mutex_unlock(iommu.lock);
    yield* mutex_lock(iommu.device_list_lock);
    yield* tellAll(iommu, ops, iova, size);
    yield* mutex_unlock(iommu.device_list_lock);
    yield* mutex_lock(iommu.lock);
  };

export const list_lock_outside: VfioIommuDriverOps = {
  *register_device(iommu, device) {
    yield* mutex_lock(iommu.device_list_lock);
    yield* mutex_lock(iommu.lock);
    yield* list_add(device.iommu_entry, iommu.device_list);
    yield* mutex_unlock(iommu.lock);
    yield* mutex_unlock(iommu.device_list_lock);
  },
  *unregister_device(iommu, device) {
    yield* mutex_lock(iommu.device_list_lock);
    yield* mutex_lock(iommu.lock);
    yield* list_del(device.iommu_entry, iommu.device_list);
    yield* mutex_unlock(iommu.lock);
    yield* mutex_unlock(iommu.device_list_lock);
  },
};

/** The locks as they are, and the range read before iommu->lock is let go. */
export const notify_of_copied_range = (ops: NotifiedOps): Notify =>
  function* vfio_notify_dma_unmap(iommu, dma) {
    if (yield* list_empty(iommu.device_list)) return;
    const iova = yield* load(dma.iova);
    const size = yield* load(dma.size);
    yield* mutex_lock(iommu.device_list_lock);
    yield* mutex_unlock(iommu.lock);
    yield* tellAll(iommu, ops, iova, size);
    yield* mutex_unlock(iommu.device_list_lock);
    yield* mutex_lock(iommu.lock);
  };
