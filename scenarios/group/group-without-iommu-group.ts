/**
 * A process keeps a group open, while its device is unbound and pulled out.
 *
 * The vfio_group of v3.12 points at its IOMMU group and holds no reference on it: each device that is added holds one, and
 * drops it when it is taken away. The group's file holds the vfio_group. Where the last device leaves the IOMMU group after
 * that, the IOMMU group is freed; GET_STATUS then walks the devices of one that is no more, and the close takes a notifier
 * off a chain that is no more.
 *
 * Since v4.0 the vfio_group holds the IOMMU group for as long as it is there.
 */
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import type * as inV5_14 from '../../machines/vfio/rfc-2021-09/index.ts';
import type * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { usersNoted } from '../laws/container-users.ts';
import { MINOR, oneDevice, v3_12Group, v5_14Group } from './setup/with-sibling.ts';

const fd = local<inV3_12.VfioGroup | number>('fd');
const newer_fd = local<inV5_14.VfioGroup | number>('newer_fd');
const status = local<number>('status');
const viable = local<boolean>('viable');

const { sibling_dev: _sibling, e1000e: _e1000e, ...objects } = v3_12Group.objects;
const { sibling_dev: _sibling_dev, e1000e: _host, ...newer } = v5_14Group.objects;

export default defineScenario({
  name: 'group-without-iommu-group',
  summary: 'A vfio_group that is open outlives the IOMMU group that it points at',
  source: 'drivers/vfio/vfio.c, v3.6 to v3.19; v4.0, where the vfio_group owns a reference',
  covers: ['X-13'],
  tags: ['seed-004'],
  variants: {
    'v3.12': variant({
      objects,
      start: oneDevice.v3_12,
      threads: (all) => ({
        user: [
          call(v3_12.vfio_group_fops_open, all.vfio, MINOR).into(fd),
          call(v3_12.vfio_group_get_status, all.vfio, fd).ifOk(fd).into(status),
          call(v3_12.vfio_group_fops_release, all.vfio, fd).ifOk(fd),
        ],
        admin: [v3_12Group.unbind(all), call(v3_12.iommu_group_remove_device, all.dev, v3_12.iommu_group_notifiers(all.vfio))],
      }),
      sometimes: {
        'the device is gone before the group is opened': ({ result }) => typeof result(fd) === 'number',
        'the group is closed in time': ({ group, iommu_group }) => group.freed && !iommu_group.freed,
      },
      expect: [
        { kind: 'use-after-free', object: 'iommu_group' },
        // It goes while the other thread is in it.
        { kind: 'warn', object: 'iommu_group.mutex' },
        { kind: 'warn', object: 'iommu_group.notifier_rwsem' },
        // Another defect of the same kernel: see last-put-in-notifier.
        { kind: 'self-deadlock', object: 'iommu_group.notifier_rwsem' },
      ],
    }),
    'v5.14': variant({
      summary: 'In the place of GET_STATUS stands what it asks the group for.',
      objects: newer,
      start: oneDevice.v5_14,
      threads: (all) => ({
        user: [
          call(rfc.vfio_group_fops_open, all.vfio, MINOR).into(newer_fd),
          call(rfc.vfio_group_viable, newer_fd).ifOk(newer_fd).into(viable),
          call(rfc.vfio_group_fops_release, all.vfio, newer_fd).ifOk(newer_fd),
        ],
        admin: [v5_14Group.unbind(all), call(v3_12.iommu_group_remove_device, all.dev, v5_14Group.listeners(all))],
        kworker: v5_14Group.kworker(all),
      }),
      always: usersNoted('group'),
      sometimes: {
        'the IOMMU group is the vfio_group’s alone': ({ iommu_group, group, next }) =>
          iommu_group.devices_kobj.n === 1 && !group.freed && iommu_group.devices.entries.length === 0 && next('admin') === null,
        'it is walked when nobody is in it': ({ iommu_group, result }) =>
          iommu_group.devices.entries.length === 0 && result(newer_fd) !== undefined && result(viable) === undefined,
      },
      atEnd: { 'both groups are gone': ({ group, iommu_group }) => group.freed && iommu_group.freed },
      leaks: {
        ...moduleReferences('vfio_pci'),
        unbound: ({ all }) => all('unbound').filter(({ freed }) => !freed).length,
        put_work: ({ all }) => all('put_work').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
  },
});
