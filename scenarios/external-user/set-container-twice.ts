/**
 * Two threads of a process put one group on a container, or take it off one and put it on another.
 *
 * Whether a group has a container is kept twice: as a pointer, and as a counter that is to be 0 where the pointer is NULL.
 * SET_CONTAINER asks the counter, without a lock, and raises it after everything else; the lock in between is that of the
 * new container. UNSET_CONTAINER lowers it first, and then follows the pointer. So two SET_CONTAINERs both link the group
 * into a list, and an UNSET_CONTAINER can take away what a SET_CONTAINER beside it has just given: user space is then told
 * of a container that it does not have, and the first one keeps a link to a group that has left.
 *
 * Since v5.19 the pointer and the counter change under a lock of the group.
 */
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import type * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import * as v3_12_structs from '../../machines/vfio/v3.12/index.ts';
import type * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import * as merged from './setup/merged-group.ts';
import { NAME, objects as oneGroup, opened, ready, usersLaw } from './setup/one-group.ts';

const first = local<number>('first');
const second = local<number>('second');
const unset = local<number>('unset');
const fd = local<inV3_12.VfioDevice | inMerged.VfioDeviceFile | number>('fd');

const objects = { ...oneGroup, other: v3_12_structs.vfio_container };

const bothAsk =
  (event: string) =>
  ({ next }: { readonly next: (thread: string) => string | null }) =>
    next('a') === event && next('b') === event;

export default defineScenario({
  name: 'set-container-twice',
  summary: 'SET_CONTAINER and UNSET_CONTAINER on one group look at a counter, and change a pointer, under no common lock',
  source: 'drivers/vfio/vfio.c, v3.6 to v5.18; e0e29bdb594a and 3ca5470878eb (v5.19)',
  covers: ['X-2'],
  tags: ['seed-004'],
  variants: {
    'v3.12-one-container': variant({
      summary: 'Both threads name the same container.',
      objects: oneGroup,
      start: opened,
      threads: ({ vfio, group, container }) => ({
        a: [call(v3_12.vfio_group_set_container, vfio, group, container).into(first)],
        b: [call(v3_12.vfio_group_set_container, vfio, group, container).into(second)],
      }),
      always: usersLaw,
      sometimes: { 'both have found no user': bothAsk('down_write') },
      expect: [{ kind: 'list-corruption', object: 'container.group_list', between: ['list_add', 'list_add'] }],
    }),
    'v3.12-two-containers': variant({
      summary: 'Each names a container of its own.',
      objects,
      start: opened,
      threads: ({ vfio, group, container, other }) => ({
        a: [call(v3_12.vfio_group_set_container, vfio, group, container).into(first)],
        b: [call(v3_12.vfio_group_set_container, vfio, group, other).into(second)],
      }),
      always: usersLaw,
      sometimes: { 'both have found no user': bothAsk('down_write') },
      expect: [{ kind: 'list-corruption', object: 'group.container_next', between: ['list_add', 'list_add'] }],
    }),
    'v3.12-unset': variant({
      summary: 'One takes the group off its container, the other puts it on another and opens the device.',
      objects,
      start: ready,
      threads: ({ vfio, group, other }) => ({
        a: [call(v3_12.vfio_group_unset_container, vfio, group).into(unset)],
        b: [
          call(v3_12.vfio_group_set_container, vfio, group, other).into(second),
          call(v3_12.vfio_ioctl_set_iommu, vfio, other).ifOk(second),
          call(v3_12.vfio_group_get_device_fd, vfio, group, NAME).ifOk(second).into(fd),
        ],
      }),
      always: usersLaw,
      sometimes: {
        'the second has found no user, and the pointer is still there': ({ next, group }) =>
          next('b') === 'down_write' && group.container.value.at === 'container',
      },
      expect: [
        { kind: 'list-corruption', object: 'group.container_next' },
        { kind: 'invariant', object: 'group', between: ['store', 'atomic_inc'] },
      ],
      leadsTo: [{ kind: 'null-deref', object: 'iommu_driver' }],
    }),
    'v6.6-two-containers': variant({
      objects: merged.objects,
      start: merged.opened,
      threads: ({ vfio, group, container, other }) => ({
        a: [call(v6_6.vfio_group_ioctl_set_container, vfio, group, container).into(first)],
        b: [call(v6_6.vfio_group_ioctl_set_container, vfio, group, other).into(second)],
      }),
      always: merged.usersLaw,
      sometimes: { 'the second waits for the first': ({ blocked }) => blocked('b') },
      atEnd: {
        'one of them has it, and the other is told so': ({ result, group }) =>
          (result(first) === 0 && result(second) === -EINVAL && group.container.value.at === 'container') ||
          (result(first) === -EINVAL && result(second) === 0 && group.container.value.at === 'other'),
      },
      leaks: moduleReferences('vfio_pci'),
      expect: [],
    }),
    'v6.6-unset': variant({
      objects: merged.objects,
      start: merged.ready,
      threads: ({ vfio, group, other, dev, df }) => ({
        a: [call(v6_6.vfio_group_ioctl_unset_container, vfio, group).into(unset)],
        b: [
          call(v6_6.vfio_group_ioctl_set_container, vfio, group, other).into(second),
          call(v6_6.vfio_ioctl_set_iommu, vfio, other).ifOk(second),
          call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).ifOk(second).into(fd),
        ],
      }),
      always: merged.usersLaw,
      sometimes: {
        'the group is taken off, and put on the other': ({ result }) => result(unset) === 0 && typeof result(fd) === 'object',
        'it is still on the first': ({ result }) => result(second) === -EINVAL,
      },
      atEnd: {
        'the first container has no group': ({ container }) => container.group_list.entries.length === 0,
        'the device has been opened where it was promised': ({ result }) =>
          result(second) !== 0 || typeof result(fd) === 'object',
      },
      expect: [],
    }),
  },
});
