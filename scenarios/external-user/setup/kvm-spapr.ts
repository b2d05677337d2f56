/**
 * The external user for whom the interface was made: KVM on sPAPR, which serves the hypercalls of a guest's DMA by itself. It
 * has a table for each logical bus (LIOBN) of the guest, and is told by the descriptor of a group which IOMMU stands behind
 * it. Its side of the patch was never merged in this form; what is here is what the protocol asks of it.
 *
 * With it the files of a process: by what their entry in its table of descriptors leads to.
 */
import { isNull } from '../../../actors/driver-core/pointer.ts';
import type { Operation } from '../../../actors/step.ts';
import { complete, wait_for_completion } from '../../../actors/sync/completion.ts';
import { fget, fput } from '../../../actors/sync/file.ts';
import { load, store } from '../../../actors/sync/memory.ts';
import { EBADF } from '../../../actors/vfio/errno.ts';
import * as v3_12 from '../../../actors/vfio/v3.12/index.ts';
import { globals, type Handle, type HandleTo, NULL, type Null } from '../../../machines/object.ts';
import { completion } from '../../../machines/sync/completion.ts';
import { type Field, field, pointer } from '../../../machines/sync/field.ts';
import type { File, Vfio, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';

/** struct files_struct of the VMM. */
export const files = globals('files', { container_fd: pointer<File>(), group_fd: pointer<File>() });
export interface Files extends HandleTo<typeof files> {}
type Descriptor = Handle<Field<File | Null>>;

/** The VM: the IOMMU id that its one LIOBN is linked to, 0 where it is to none, and the group that is held for it. */
export const kvm = globals('kvm', { iommu_id: field<number>(0), group: pointer<VfioGroup>(), linked: completion() });
export interface Kvm extends HandleTo<typeof kvm> {}

/** open(2) of /dev/vfio/1, which gives `filep` by the descriptor. @returns the group, or a negative errno */
export function* open_group(vfio: Vfio, minor: number, filep: File, fd: Descriptor): Operation<VfioGroup | number> {
  const group = yield* v3_12.vfio_group_fops_open(vfio, minor);
  if (typeof group === 'number') return group;
  yield* store(filep.private_data, group);
  yield* store(fd, filep);
  return group;
}

/** close(2) of a descriptor. The file is released with its last reference. */
export function* close_group(vfio: Vfio, fd: Descriptor): Operation {
  const filep = (yield* load(fd)) as File;
  yield* store(fd, NULL);
  yield* fput(filep.f_count, () => release(vfio, filep));
}

function* release(vfio: Vfio, filep: File): Operation {
  const group = (yield* load(filep.private_data)) as VfioGroup;
  yield* store(filep.private_data, NULL);
  yield* v3_12.vfio_group_fops_release(vfio, group);
}

/** The VMM asks for its guest. @returns the IOMMU id, or a negative errno */
export function* link_liobn(vfio: Vfio, { iommu_id, group: held, linked }: Kvm, fd: Descriptor): Operation<number> {
  const filep = yield* fget(fd);
  if (isNull(filep)) return -EBADF;
  const group = yield* v3_12.vfio_group_get_external_user(vfio, filep);
  yield* fput(filep.f_count, () => release(vfio, filep));
  if (typeof group === 'number') return group;
  const id = yield* v3_12.vfio_external_user_iommu_id(group);
  yield* store(held, group);
  yield* store(iommu_id, id);
  yield* complete(linked);
  return id;
}

export const until_linked = ({ linked }: Kvm): Operation => wait_for_completion(linked);

type Put = (vfio: Vfio, group: VfioGroup) => Operation;

/** The guest is gone, and so is its table. @param put the kernel's own */
export function* unlink_liobn(
  vfio: Vfio,
  { iommu_id, group: held }: Kvm,
  put: Put = v3_12.vfio_group_put_external_user,
): Operation {
  const group = (yield* load(held)) as VfioGroup;
  yield* store(iommu_id, 0);
  yield* store(held, NULL);
  yield* put(vfio, group);
}
