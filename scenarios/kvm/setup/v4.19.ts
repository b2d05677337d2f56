/** A group with one device, open and on a container with an IOMMU, and a machine with a kvm-vfio device, at v4.19. */
import { type Core, vfio_iommu_driver_ops } from '../../../actors/vfio/v4.19/ops.ts';
import type { Callbacks } from '../../../actors/sync/notifier.ts';
import { pool } from '../../../machines/object.ts';
import { kvm, kvm_device, kvm_vfio, machine } from '../../../machines/vfio/kvm.ts';
import { kvm_vfio_group } from '../../../machines/vfio/v4.19/kvm.ts';
import * as v4_19 from '../../../machines/vfio/v4.19/vfio.ts';

export const NAME = '0000:00:14.2';

export const objects = {
  vfio: v4_19.vfio,
  type1: v4_19.vfio_iommu_driver,
  container: v4_19.vfio_container,
  driver: v4_19.device_driver,
  iommu_group: v4_19.iommu_group,
  group: v4_19.vfio_group,
  dev: v4_19.device,
  device: v4_19.vfio_device,
  file: v4_19.file,
  fds: v4_19.fdtable,
  kvm,
  kvm_device,
  kv: kvm_vfio,
  kvg: pool(kvm_vfio_group),
};

const group = { group: 'group', iommu_group: 'iommu_group' };
const opened = { file: 'file', fdtable: 'fds', container: 'container', iommu_driver: 'type1' };
const vm = machine('kvm', 'kvm_device', 'kv');

/** @param devices those of the group @param others devices in it that VFIO does not know */
export const startWith = (devices: { readonly [dev: string]: string }, ...others: readonly string[]) => ({
  ...v4_19.registered('driver', { ...group, devices, others, opened }),
  ...vm,
});
export const start = startWith({ dev: 'device' });
/** The same before the group is opened. */
export const closed = { ...v4_19.registered('driver', { ...group, devices: { dev: 'device' } }), ...vm };

/** What `start` says, on top, of a group of which KVM was told: the entry is `kvg`. */
export const listed = {
  'kv.group_list': { entries: ['kvg'] },
  'kvg.node': { on: 'kv.group_list' },
  'kvg.vfio_group': { value: { at: 'group' } },
  'group.container_users': { n: 2 },
  'group.kvm': { value: { at: 'kvm' } },
};

interface Globals {
  readonly vfio: v4_19.Vfio;
  readonly type1: v4_19.VfioIommuDriver;
}

/** @param callbacks what the driver of the device does when it is notified */
export const core = ({ vfio, type1 }: Globals, callbacks: Callbacks = {}): Core => ({
  vfio,
  iommu_driver: type1,
  backend: vfio_iommu_driver_ops,
  callbacks,
});
