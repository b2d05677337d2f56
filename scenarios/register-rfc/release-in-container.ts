/**
 * Checked, and no bug of the series: files of a device share one release, whether they come from a group or from a node.
 * By which of the two it was opened RFC 02/20 concludes from the group: it is on a container, or it is not. Nothing is
 * locked there, and the answer is stable all the same. A file of the group has counted itself into container_users and so
 * keeps the group on its container; a file of a node keeps the group's own file closed, so that none can come.
 *
 * The twins lack the one or the other. A file of the group that has not counted itself finds its container gone and takes
 * the count of the node below 0. A file of a node beside an open group finds a container that is not its own: it takes
 * that away from its user, and leaves itself counted for good, so that the node is never opened again.
 */
import type { Operation } from '../../actors/step.ts';
import { EBUSY } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { usersNoted } from '../laws/container-users.ts';
import { changedBy } from './setup/changed-by.ts';

const NAME = '0000:00:14.2';
const fd = local<inRfc.VfioDevice | number>('fd');
const group_fd = local<inRfc.VfioGroup | number>('group_fd');
const through_group = local<inRfc.VfioDevice | number>('through_group');
const unset = local<number>('unset');
const set = local<number>('set');

const objects = {
  vfio: inRfc.vfio,
  vfio_pci: inRfc.device_driver,
  type1: inRfc.vfio_iommu_driver,
  container: inRfc.vfio_container,
  iommu_group: inRfc.iommu_group,
  group: inRfc.vfio_group,
  device: inRfc.vfio_device,
  dev: inRfc.device,
};
const devices = [{ device: 'device', dev: 'dev', name: NAME, minor: 0 }];
const closed = {
  ...inRfc.loaded('type1'),
  ...inRfc.registered('vfio_pci', { groups: [{ group: 'group', iommu_group: 'iommu_group', devices }] }),
  ...inRfc.inIommuGroup('iommu_group', 'dev'),
};
/** The group's file is open and on a container, and so is a file of the device that came from it. */
const openedByGroup = {
  ...closed,
  ...inRfc.registered('vfio_pci', {
    groups: [{ group: 'group', iommu_group: 'iommu_group', devices, opened: true, container: 'container' }],
  }),
  ...inRfc.iommuSet('container', 'type1'),
  'group.container_users': { n: 2 },
  'group.users': { attached: 1, devices: 1 },
  'device.refcount': { n: 2 },
  'vfio_pci.owner': { refcnt: 2 },
};

const openNode = (vfio: inRfc.Vfio) => [
  call(rfc.openDevice, vfio, NAME).into(fd),
  call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd),
];

/** Left out of vfio_group_try_open(): that the group may be open already. */
function* nobody(): Operation<number> {
  return 0;
}
const openBeside = (vfio: inRfc.Vfio, group: inRfc.VfioGroup) =>
  changedBy(
    ({ object, event: { type } }) => (object === group.opened.path && type === 'load' ? nobody() : null),
    rfc.vfio_group_fops_open(vfio, 0),
  );

export default defineScenario({
  name: 'release-in-container',
  summary: 'The release of a device file tells by the container of its group how it was opened, without a lock',
  source: 'RFC 02/20 vfio: Add device class for /dev/vfio/devices, review of 2021-09',
  covers: ['Y-c'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'The files of a group, its container and its device are closed in any order, and opened again both ways.',
      objects,
      start: openedByGroup,
      threads: ({ vfio, container, group, device }) => ({
        guest: [call(rfc.vfio_device_fops_release, vfio, device)],
        manager: [
          call(rfc.vfio_group_unset_container, vfio, group).into(unset),
          call(rfc.vfio_group_fops_release, vfio, group),
          call(rfc.vfio_group_fops_open, vfio, 0).into(group_fd),
          call(rfc.vfio_group_set_container, vfio, group_fd, container).ifOk(group_fd).into(set),
          call(rfc.vfio_ioctl_set_iommu, vfio, container).ifOk(set),
          call(rfc.vfio_group_get_device_fd, vfio, group_fd, NAME).ifOk(set).into(through_group),
          call(rfc.vfio_device_fops_release, vfio, through_group).ifOk(through_group),
          call(rfc.vfio_group_fops_release, vfio, group_fd).ifOk(group_fd),
        ],
        node_user: openNode(vfio),
      }),
      always: {
        ...usersNoted('group'),
        'the files of the group go the way of the group': ({ next }) =>
          next('guest') !== 'atomic_dec' && next('manager') !== 'atomic_dec',
        'that of the node goes the way of the node': ({ next }) => next('node_user') !== 'atomic_dec_if_positive',
        'a device is opened once by its node, and a group once': ({ device, group }) =>
          [0, 1].includes(device.opened.n) && [0, 1].includes(group.opened.value),
      },
      sometimes: {
        'the container stays for the device': ({ result }) => result(unset) === -EBUSY,
        'the group is closed before its device': ({ group, next }) =>
          group.opened.value === 0 && next('guest') === 'atomic_dec_if_positive',
        'the node is refused': ({ result }) => result(fd) === -EBUSY,
        'the node is closed while the group is refused': ({ result, next }) =>
          result(group_fd) === -EBUSY && next('node_user') === 'atomic_dec',
        'the group is opened again': ({ result }) => typeof result(through_group) === 'object',
      },
      leaks: {
        'device.opened': ({ device }) => device.opened.n,
        'device.refcount': ({ device }) => device.refcount.n - 1,
        'group.opened': ({ group }) => group.opened.value,
        'group.container_users': ({ group }) => group.container_users.n,
        'group.kref': ({ group }) => group.kref.n - 1,
        'container.kref': ({ container }) => container.kref.n - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        'type1.owner': ({ type1 }) => type1.owner.refcnt - 1,
      },
      expect: [],
    }),
    'not-counted': variant({
      summary: 'What would break: GET_DEVICE_FD does not count the file that it gives into container_users.',
      objects,
      // Its atomic_inc() is left out, before the scenario begins.
      start: { ...openedByGroup, 'group.container_users': { n: 1 }, 'group.users': { attached: 1 } },
      threads: ({ vfio, group, device }) => ({
        guest: [call(rfc.vfio_device_fops_release, vfio, device)],
        manager: [call(rfc.vfio_group_unset_container, vfio, group).into(unset)],
      }),
      always: {
        'off its container a group has its devices opened by their nodes, each once': ({ group, device }) =>
          group.container.value.at !== 'NULL' || [0, 1].includes(device.opened.n),
      },
      expect: [{ kind: 'invariant', object: 'group.container', between: ['store', 'atomic_dec'] }],
    }),
    'not-excluded': variant({
      summary: 'What would break: the group is opened and put on a container while a node of it is open.',
      objects,
      start: closed,
      threads: ({ vfio, container, group }) => ({
        node_user: openNode(vfio),
        manager: [
          call(openBeside, vfio, group).into(group_fd),
          call(rfc.vfio_group_set_container, vfio, group_fd, container).into(set),
        ],
      }),
      always: {
        'the group stays on its container': ({ result, group }) => result(set) !== 0 || group.container.value.at === 'container',
      },
      leaks: { 'device.opened': ({ device }) => device.opened.n },
      expect: [
        { kind: 'invariant', object: 'group.container', between: ['store', 'store'] },
        // Where the group has not counted itself yet, nobody's container goes, and the device is as opened as before.
        { kind: 'leak', object: 'device.opened' },
      ],
    }),
  },
});
