/**
 * drivers/vfio/vfio_iommu_type1.c as it could be: how a container tells its devices of an unmap. It is in no kernel.
 *
 * Without a circle of locks: device_list_lock comes before iommu->lock wherever both are held, as the rwsem of the notifier
 * chain did before v6.0. The list still changes under both, and what the notice says is read while the mapping cannot go.
 */
import type { Operation } from '../../step.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { type IommuData, vfio_iommu_type1_unregister_notifier } from '../v4.19/index.ts';
import type { NotifiedOps, Notify, VfioIommuDriverOps } from '../v6.1/index.ts';
import type { Handle } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type * as v4_19 from '../../../machines/vfio/v4.19/index.ts';
import type { VfioDevice, VfioIommu } from '../../../machines/vfio/v6.1/index.ts';

type Block = Handle<Field<string>>;

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

/** On v4.19: the chain changes under iommu->lock, too, so that who has looked whether it is empty knows it for as long. */
export function* unregister_notifier_under_lock(data: IommuData, nb: Block): Operation<number> {
  const iommu = data as v4_19.VfioIommu;
  yield* mutex_lock(iommu.lock);
  const ret = yield* vfio_iommu_type1_unregister_notifier(iommu, nb);
  yield* mutex_unlock(iommu.lock);
  return ret;
}

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
