/**
 * device->opened says that the node is open, so that nobody else can open it. vfio_register_device() sets it to 0 without
 * asking who has the device open, and a file that is closed takes 1 off it unless device->group says that the device was
 * opened through the group. By which way it was opened nobody notes.
 *
 * A registration that comes while the node is open lets a second user in beside the first. Each then takes off 1, and
 * at -1 the node opens for nobody any more. One that comes while the device is open through its group takes the group
 * away: the close takes 1 off a count that the open did not raise, and leaves the use of the container that it did
 * count. The container is never left, and as long as it has one, nobody can open the group.
 *
 * In the merged design the count is set when the device is allocated and then changes under the lock of its set alone,
 * and a device file knows by itself whether it came through the group.
 */
import { atomic_dec, atomic_inc } from '../../actors/sync/atomic.ts';
import { worker_thread } from '../../actors/sync/work.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { globals, type HandleTo, pool } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { device_of_admin, mergedGroup, NAME, registersTwice, registersTwiceInMerged, rfcGroup } from './setup/registers-twice.ts';

const { VFIO_DEVNODE_GROUP: GROUP, VFIO_DEVNODE_NONGROUP: NONGROUP } = rfc;
const fd = local<inRfc.VfioDevice | number>('fd');
const fd_a = local<inRfc.VfioDevice | number>('fd_a');
const fd_b = local<inRfc.VfioDevice | number>('fd_b');
const device_file = local<merged.VfioDeviceFile | number>('device_file');
const file_a = local<merged.VfioDeviceFile | number>('file_a');
const file_b = local<merged.VfioDeviceFile | number>('file_b');
const group_file = local<merged.GroupFile | number>('group_file');
const reopened = local<inRfc.VfioGroup | merged.GroupFile | number>('reopened');

/** Not of the kernel: a driver that counts who has its device open. */
const vdev = globals('vdev', { users: atomic() });
interface Vdev extends HandleTo<typeof vdev> {}

const counting = ({ users }: Vdev): rfc.VfioDeviceOps => ({
  *open() {
    yield* atomic_inc(users);
    return 0;
  },
  *release() {
    yield* atomic_dec(users);
  },
});
const countingInMerged = ({ users }: Vdev): v6_6.VfioDeviceOps => ({
  ...v6_6.vfio_device_ops,
  *open_device() {
    yield* atomic_inc(users);
    return 0;
  },
  *close_device() {
    yield* atomic_dec(users);
  },
});

export default defineScenario({
  name: 'opened-reset',
  summary: 'A second registration forgets that the device is open, or by which way it was opened',
  assumes: 'A driver registers one device twice, in one probe.',
  source: 'RFC 02/20 vfio: Add device class for /dev/vfio/devices, RFC 03/20 vfio: Add vfio_[un]register_device()',
  covers: ['Y-12'],
  tags: ['seed-002'],
  variants: {
    'rfc-node': variant({
      summary: 'The node is open when it is registered a second time, which fails with -EBUSY.',
      objects: { vfio: inRfc.vfio, vfio_mdev: inRfc.device_driver, device: inRfc.vfio_device, dev: inRfc.device, vdev },
      start: inRfc.initialised({ device: 'device', dev: 'dev', name: 'a' }),
      threads: ({ vfio, vfio_mdev, device, dev, vdev }) => {
        const { vfio_device_fops_open: open, vfio_device_fops_release: release } = rfc;
        const ops = counting(vdev);
        const driver = registersTwice({ vfio, driver: vfio_mdev, device, flags: [NONGROUP, NONGROUP] }, 'stays bound');
        return {
          admin: [call(rfc.device_driver_attach, driver, dev)],
          user_a: [call(open, vfio, 0, ops).into(fd_a), call(release, vfio, fd_a, ops).ifOk(fd_a)],
          user_b: [call(open, vfio, 0, ops).into(fd_b), call(release, vfio, fd_b, ops).ifOk(fd_b)],
        };
      },
      always: {
        'who has it open is counted': ({ device, vdev }) => device.opened.n >= vdev.users.n,
        'one at a time has it open': ({ vdev }) => vdev.users.n <= 1,
      },
      sometimes: {
        'the device is open when it is registered again': ({ next, vdev }) =>
          next('admin') === 'atomic_set' && vdev.users.n === 1,
      },
      atEnd: { 'it can be opened again': ({ device }) => device.opened.n === 0 },
      expect: [
        { kind: 'invariant', object: 'device.opened', between: ['atomic_inc', 'atomic_set'] },
        { kind: 'invariant', object: 'vdev.users', between: ['atomic_inc', 'atomic_inc'] },
      ],
      leadsTo: [{ kind: 'end-state', object: 'device.opened', between: ['atomic_set', 'atomic_dec'] }],
    }),
    'rfc-group': variant({
      summary: 'The device is open through its group when it is exposed by a node, too, which succeeds.',
      assumes: 'A driver exposes its device in two calls: in its group, then by a node.',
      ...rfcGroup,
      threads: ({ vfio, vfio_pci, group, container, device, dev, put_work, workqueues: { system_wq } }) => {
        const driver = registersTwice({ vfio, driver: vfio_pci, device, flags: [GROUP, NONGROUP] }, 'stays bound');
        const callbacks = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
        return {
          admin: [call(rfc.device_driver_attach, driver, dev, callbacks)],
          user: [
            call(rfc.vfio_group_get_device_fd, vfio, group, NAME).into(fd),
            call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd),
            call(rfc.vfio_group_fops_release, vfio, group),
            call(rfc.vfio_fops_release, vfio, container),
            call(rfc.vfio_group_fops_open, vfio, 0).into(reopened),
          ],
          kworker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
        };
      },
      always: { 'opened is 0 or 1': ({ device }) => [0, 1].includes(device.opened.n) },
      sometimes: {
        'the device is open when it is registered again': ({ next, device, group }) =>
          next('admin') === 'atomic_set' && device.refcount.n > 1 && group.container_users.n > 1,
      },
      atEnd: {
        'the group can be opened again': ({ group, result }) => group.opened.value === 1 && typeof result(reopened) === 'object',
      },
      leaks: {
        container: ({ container }) => (container.freed ? 0 : 1),
        'group.container_users': ({ group }) => group.container_users.n,
      },
      expect: [{ kind: 'invariant', object: 'device.opened', between: ['atomic_set', 'atomic_dec'] }],
      leadsTo: [
        { kind: 'leak', object: 'group.container_users' },
        { kind: 'leak', object: 'container' },
        { kind: 'end-state', object: 'group.opened' },
      ],
    }),
    'merged-node': variant({
      summary: 'Two users of the node, and a second registration that is refused.',
      objects: { ...mergedGroup.objects, vdev, ctx_a: merged.iommufd_ctx, ctx_b: merged.iommufd_ctx },
      start: mergedGroup.start,
      threads: ({ vfio, vfio_pci, dev, dev_set, device, df, ctx_a, ctx_b, vdev }) => {
        const { openDevice: open, vfio_df_ioctl_bind_iommufd: bind, closeDevice: close } = v6_6;
        const ops = countingInMerged(vdev);
        const pci = { vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device }, ops };
        const opens = { vfio_device_file: df };
        return {
          admin: [call(v6_6.device_driver_attach, registersTwiceInMerged(pci, 'stays bound'), dev)],
          user_a: [
            call(open, vfio, device_of_admin, opens, ops).into(file_a),
            call(bind, vfio, file_a, ctx_a, ops).ifOk(file_a),
            call(close, vfio, file_a, ops).ifOk(file_a),
          ],
          user_b: [
            call(open, vfio, device_of_admin, opens, ops).into(file_b),
            call(bind, vfio, file_b, ctx_b, ops).ifOk(file_b),
            call(close, vfio, file_b, ops).ifOk(file_b),
          ],
        };
      },
      always: {
        'who has it open is counted': ({ vdev, all }) =>
          all('device').every(({ open_count }) => open_count.value >= vdev.users.n),
        'one at a time has it open': ({ vdev }) => vdev.users.n <= 1,
      },
      sometimes: {
        'the device is open when it is registered again': ({ next, vdev }) => next('admin') === 'WARN' && vdev.users.n === 1,
      },
      atEnd: { 'it can be opened again': ({ all }) => all('device').every(({ open_count }) => open_count.value === 0) },
      leaks: {
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        'ctx_a.f_count': ({ ctx_a }) => ctx_a.f_count.f_count - 1,
        'ctx_b.f_count': ({ ctx_b }) => ctx_b.f_count.f_count - 1,
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
      },
      expect: [{ kind: 'warn', object: 'vfio_group_find_or_alloc' }],
      leadsToNothing: true,
    }),
    'merged-group': variant({
      summary: 'A user by way of the group, and a second registration that is refused.',
      objects: { ...mergedGroup.objects, vdev, container: merged.vfio_container, file: pool(merged.file, 2) },
      start: mergedGroup.start,
      threads: ({ vfio, vfio_pci, dev, dev_set, group, container, device, df, file, vdev }) => {
        const ops = countingInMerged(vdev);
        const pci = { vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device }, ops };
        return {
          admin: [call(v6_6.device_driver_attach, registersTwiceInMerged(pci, 'stays bound'), dev)],
          user: [
            call(v6_6.openGroup, vfio, group, { file }).into(group_file),
            call(v6_6.vfio_group_ioctl_set_container, vfio, group, container),
            call(v6_6.vfio_ioctl_set_iommu, vfio, container),
            call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }, ops).into(device_file),
            call(v6_6.closeDevice, vfio, device_file, ops).ifOk(device_file),
            call(v6_6.closeGroup, vfio, group, group_file).ifOk(group_file),
            call(v6_6.vfio_fops_release, vfio, container),
            call(v6_6.openGroup, vfio, group, { file }).into(reopened),
          ],
        };
      },
      always: {
        'the group is on a container as long as somebody uses it': ({ group }) =>
          group.group_lock.owner !== null || (group.container.value.at !== 'NULL') === group.container_users.value > 0,
      },
      sometimes: {
        'the device is open when it is registered again': ({ next, vdev }) => next('admin') === 'WARN' && vdev.users.n === 1,
      },
      atEnd: { 'the group can be opened again': ({ result }) => typeof result(reopened) === 'object' },
      leaks: {
        container: ({ container }) => (container.freed ? 0 : 1),
        'group.container_users': ({ group }) => group.container_users.value,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
      },
      expect: [{ kind: 'warn', object: 'vfio_group_find_or_alloc' }],
      leadsToNothing: true,
    }),
  },
});
