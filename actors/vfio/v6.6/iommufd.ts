/**
 * drivers/vfio/iommufd.c with iommufd_device_bind() and _unbind() of drivers/iommu/iommufd/device.c and the context
 * references of main.c, v6.6: the callbacks of a driver of a physical device, without the object that stands for it.
 *
 * Left out: the iommufd object and its id, and those who use it while it is unbound; attaching to an address space; what
 * the last put of a context does; emulated devices.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { IommufdCtx, VfioDevice } from '../../../machines/vfio/v6.6/index.ts';
import { iommu_device_claim_dma_owner, iommu_device_release_dma_owner } from '../../driver-core/iommu.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { fput, get_file, get_file_rcu } from '../../sync/file.ts';
import { store } from '../../sync/memory.ts';

/** @param fd the context that the descriptor stands for, NULL where it stands for none */
export function* iommufd_ctx_from_fd(fd: IommufdCtx | Null): Operation<IommufdCtx | Null> {
  if (isNull(fd) || !(yield* get_file_rcu(fd.f_count))) return NULL;
  return fd;
}

const iommufd_ctx_get = (ictx: IommufdCtx): Operation => get_file(ictx.f_count);
export const iommufd_ctx_put = (ictx: IommufdCtx): Operation => fput(ictx.f_count, function* () {});

/** By way of vfio_iommufd_physical_bind(). */
export function* vfio_df_iommufd_bind(device: VfioDevice, ictx: IommufdCtx): Operation<number> {
  const ret = yield* iommu_device_claim_dma_owner(yield* follow(device.dev), ictx);
  if (ret !== 0) return ret;
  yield* iommufd_ctx_get(ictx);
  yield* store(device.iommufd_device, true);
  return 0;
}

/** By way of vfio_iommufd_physical_unbind(). */
export function* vfio_df_iommufd_unbind(device: VfioDevice, ictx: IommufdCtx): Operation {
  yield* iommu_device_release_dma_owner(yield* follow(device.dev));
  yield* iommufd_ctx_put(ictx);
  yield* store(device.iommufd_device, false);
}
