/**
 * The life of a reset, as the interface of v3.12 has it and v6.6 still keeps it: what it would reset a user asks first, with
 * -ENOSPC and the number where he has no room for all of them, and with -ENODEV where the bus cannot be reset. Then he gives
 * the descriptors of the groups, which have to be those of all devices that it concerns, and all of these have to be
 * drivers of VFIO's. A reset at the last close makes up for functions that cannot be reset by themselves.
 */
import { pci_device_add } from '../../actors/driver-core/pci.ts';
import { EAGAIN, EBADF, EINVAL, ENODEV, ENOSPC } from '../../actors/vfio/errno.ts';
import * as v3_13 from '../../actors/vfio/v3.13/vfio_pci.ts';
import { closeDevice } from '../../actors/vfio/v6.6/vfio_main.ts';
import {
  type HotResetInfo,
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
  VFIO_DEVICE_PCI_HOT_RESET,
  VFIO_DEVICE_RESET,
  vfio_pci_ops,
} from '../../actors/vfio/v6.6/vfio_pci_core.ts';
import { NULL } from '../../machines/object.ts';
import * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import { file } from '../../machines/vfio/v6.6/index.ts';
import { pci_dev } from '../../machines/vfio/v6.6/pci.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { usersNoted } from '../laws/container-users.ts';
import { asBeforeReset, locksAreFree, nobodyReachesInReset } from '../laws/reset.ts';
import * as one from './setup/one-function.ts';
import { busOf, groupsOf, laws, objects, start } from './setup/two-functions.ts';

const noRoom = local<HotResetInfo>('noRoom');
const info = local<HotResetInfo>('info');
const noGroup = local<number>('noGroup');
const badFd = local<number>('badFd');
const notAGroup = local<number>('notAGroup');
const tooMany = local<number>('tooMany');
const notAll = local<number>('notAll');
const hotReset = local<number>('hotReset');
const reset = local<number>('reset');

interface Results {
  readonly result: <R>(of: Local<R>) => R | undefined;
}
const gives = (of: Local<number>, value: number) => (view: Results) => view.result(of) === value;
const tells =
  (of: Local<HotResetInfo>, ret: number, count: number, ...group_ids: readonly string[]) =>
  (view: Results) =>
    JSON.stringify(view.result(of)) === JSON.stringify({ ret, count, group_ids });

const always = laws;
const atEnd = {
  ...asBeforeReset('pdev_a', 'pdev_b'),
  ...locksAreFree(['vma_lock', 'memory_lock'], 'vdev_a', 'vdev_b'),
};

export default defineScenario({
  name: 'reset-ioctls',
  summary: 'A user asks what a hot reset would reset, asks for it with each thing wrong, and then rightly',
  source: '8b27ee60bfd6, vfio-pci: PCI hot reset interface, v3.12; as of v3.14 and v6.6',
  covers: [],
  tags: ['seed-004'],
  variants: {
    'v6.6': variant({
      objects: { ...objects, container_file: file },
      start: start('a', 'b'),
      threads: (of) => {
        const [a, b] = groupsOf(of);
        const container = { file: of.container_file, group: NULL };
        const ops = vfio_pci_ops(busOf(of));
        return {
          user: [
            call(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, of.vfio, busOf(of), of.df_a, 1).into(noRoom),
            call(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, of.vfio, busOf(of), of.df_a, 2).into(info),
            call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, []).into(noGroup),
            call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, [a, NULL]).into(badFd),
            call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, [a, container]).into(notAGroup),
            call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, [a, b, b]).into(tooMany),
            call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, [a]).into(notAll),
            call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, [a, b]).into(hotReset),
            call(VFIO_DEVICE_RESET, of.vfio, of.df_a).into(reset),
            call(closeDevice, of.vfio, of.df_b, ops),
            call(closeDevice, of.vfio, of.df_a, ops),
          ],
        };
      },
      always: {
        ...always,
        'it resets nothing until it has all groups': ({ result, pdev_b }) =>
          pdev_b.function.state === 'ready' || result(notAll) === -EINVAL,
      },
      sometimes: {
        'both functions are in reset': ({ pdev_a, pdev_b }) =>
          pdev_a.function.state === 'in_reset' && pdev_b.function.state === 'in_reset',
        'one function is in reset by itself': ({ pdev_a, pdev_b }) =>
          pdev_a.function.state === 'in_reset' && pdev_b.function.state === 'ready',
      },
      atEnd: {
        ...atEnd,
        'without room the number is told': tells(noRoom, -ENOSPC, 2),
        'with room the groups are': tells(info, 0, 2, 'iommu_group_a', 'iommu_group_b'),
        'no groups are for a cdev': gives(noGroup, -EINVAL),
        'a descriptor has to be open': gives(badFd, -EBADF),
        'it has to be that of a group': gives(notAGroup, -EINVAL),
        'more groups than devices there cannot be': gives(tooMany, -EINVAL),
        'all groups are needed': gives(notAll, -EINVAL),
        'with all it is reset': gives(hotReset, 0),
        'a function is reset by itself': gives(reset, 0),
      },
      leaks: {
        'file_a.f_count': ({ file_a }) => file_a.f_count.f_count - 1,
        'file_b.f_count': ({ file_b }) => file_b.f_count.f_count - 1,
        'container_file.f_count': ({ container_file }) => container_file.f_count.f_count - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        'vdev_a.open_count': ({ vdev_a }) => vdev_a.open_count.value,
        'vdev_b.open_count': ({ vdev_b }) => vdev_b.open_count.value,
        'mm.mm_users': ({ mm }) => mm.mm_users.n - 1,
      },
      expect: [],
    }),
    'v6.6-hotplug': variant({
      summary: 'Another function comes between the walk that counts and the walk that fills.',
      objects: { ...objects, pdev_c: pci_dev },
      start: { ...start('a', 'b'), 'pdev_c.iommu_group': { value: { at: 'iommu_group_b' } } },
      threads: (of) => ({
        user: [call(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, of.vfio, busOf(of), of.df_a, 2).into(info)],
        hotplug: [call(pci_device_add, busOf(of), of.pdev_c)],
      }),
      always,
      sometimes: {
        'both are told': tells(info, 0, 2, 'iommu_group_a', 'iommu_group_b'),
        'there is no room for three': tells(info, -ENOSPC, 3),
        'one has come, and he is to try again': tells(info, -EAGAIN, 0),
      },
      atEnd,
      expect: [],
    }),
    'v3.14': variant({
      summary: 'Each group has to be on a container with an IOMMU, which keeps it there for the length of the call.',
      objects: { ...one.objects, container_file: inV3_12.file, idle: inV3_12.vfio_group, idle_file: inV3_12.file },
      start: {
        ...one.openedOnce,
        'container_file.f_op': { value: 'vfio_fops' },
        'idle_file.private_data': { value: { at: 'idle' } },
      },
      threads: (of) => {
        const pci = { vfio: of.vfio, driver: of.vfio_pci, vdev: of.vdev, bus: one.busOf(of), resets: v3_13.v3_14 };
        return {
          user: [
            call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, []).into(noGroup),
            call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, [NULL]).into(badFd),
            call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, [of.container_file]).into(notAGroup),
            call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, [of.idle_file]).into(notAll),
            call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, [of.file, of.file]).into(tooMany),
            call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, [of.file]).into(hotReset),
            call(v3_13.VFIO_DEVICE_RESET, pci, of.device).into(reset),
          ],
        };
      },
      always: { ...usersNoted('group'), ...usersNoted('idle'), ...nobodyReachesInReset('pdev') },
      sometimes: {
        'the reset keeps the group': ({ group, pdev }) => pdev.function.state === 'in_reset' && group.users.external === 1,
      },
      atEnd: {
        ...asBeforeReset('pdev'),
        'there has to be a group': gives(noGroup, -EINVAL),
        'a descriptor has to be open': gives(badFd, -EBADF),
        'it has to be that of a group': gives(notAGroup, -EINVAL),
        'the group has to be on a container': gives(notAll, -EINVAL),
        'more groups than devices there cannot be': gives(tooMany, -EINVAL),
        'with its group it is reset': gives(hotReset, 0),
        'a function is reset by itself': gives(reset, 0),
      },
      leaks: {
        'group.container_users': ({ group }) => group.container_users.n - 2,
        'group.kref': ({ group }) => group.kref.n - 3,
        'idle.container_users': ({ idle }) => idle.container_users.n,
        'file.f_count': ({ file }) => file.f_count.f_count - 1,
        'idle_file.f_count': ({ idle_file }) => idle_file.f_count.f_count - 1,
      },
      expect: [],
    }),
    'v6.6-unsupported': variant({
      summary: 'The bridge cannot reset the bus, and neither function can be reset by itself.',
      objects,
      start: {
        ...start('a', 'b'),
        'bus.resettable': { value: false },
        'vdev_a.reset_works': { value: false },
        'vdev_b.reset_works': { value: false },
      },
      threads: (of) => ({
        user: [
          call(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, of.vfio, busOf(of), of.df_a, 2).into(info),
          call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, groupsOf(of)).into(hotReset),
          call(VFIO_DEVICE_RESET, of.vfio, of.df_a).into(reset),
        ],
      }),
      always: { ...always, 'nothing is reset': ({ pdev_a }) => pdev_a.function.state === 'ready' },
      atEnd: {
        ...atEnd,
        'there is nothing to tell': tells(info, -ENODEV, 0),
        'nor to reset': gives(hotReset, -ENODEV),
        'nor alone': gives(reset, -EINVAL),
      },
      expect: [],
    }),
    'v6.6-host-driver': variant({
      summary: 'The other function is in no set, as one that has a driver of the host, whatever groups the user gives.',
      objects,
      start: {
        ...start('a'),
        'dev_set.device_list': { entries: ['vdev_a'] },
        'vdev_b.dev_set_list': { on: null, initialised: false },
      },
      threads: (of) => ({
        user: [call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, groupsOf(of)).into(hotReset)],
      }),
      always: { ...always, 'nothing is reset': ({ pdev_a }) => pdev_a.function.state === 'ready' },
      atEnd: { ...atEnd, 'not all is in the set': gives(hotReset, -EINVAL) },
      expect: [],
    }),
    'v6.6-last-close': variant({
      summary: 'Neither function can be reset by itself: who closes the last of them resets the bus.',
      objects,
      start: {
        ...start('a', 'b'),
        'pdev_a.reset_supported': { value: false },
        'pdev_b.reset_supported': { value: false },
        'vdev_a.reset_works': { value: false },
        'vdev_b.reset_works': { value: false },
      },
      threads: (of) => {
        const ops = vfio_pci_ops(busOf(of));
        return { user_a: [call(closeDevice, of.vfio, of.df_a, ops)], user_b: [call(closeDevice, of.vfio, of.df_b, ops)] };
      },
      always: {
        ...always,
        'no device that is open is reset': ({ pdev_a, vdev_a, vdev_b }) =>
          pdev_a.function.state === 'ready' || vdev_a.open_count.value + vdev_b.open_count.value <= 1,
      },
      sometimes: {
        'the first leaves it to the second': ({ ended, vdev_a, pdev_a }) =>
          ended('user_a') && vdev_a.needs_reset.value && pdev_a.function.state === 'ready',
      },
      atEnd: {
        ...atEnd,
        'both are reset': ({ vdev_a, vdev_b }) => !vdev_a.needs_reset.value && !vdev_b.needs_reset.value,
      },
      leaks: moduleReferences('vfio_pci'),
      expect: [],
    }),
  },
});
