/** virt/kvm/vfio.c, v3.13 to v5.18: an entry is a group, and stands for one external user of it. */
import { type HandleTo, struct } from '../../object.ts';
import { pointer } from '../../sync/field.ts';
import { list_node } from '../../sync/list.ts';
import type { VfioGroup } from './vfio.ts';

export const kvm_vfio_group = struct('kvm_vfio_group', { node: list_node(), vfio_group: pointer<VfioGroup>() });
export interface KvmVfioGroup extends HandleTo<typeof kvm_vfio_group> {}
