/**
 * A device is opened while another thread takes its group off the container.
 *
 * GET_DEVICE_FD asks whether container_users is not 0, follows the pointer to the container to see whether that has an
 * IOMMU, asks whether the group is viable, has the driver open the device, and only then counts itself in. An
 * UNSET_CONTAINER in between finds one user, the group, and takes the container away. If it comes early the pointer that is
 * followed is NULL. If it comes late user space gets a device that does DMA with no domain of the user around it, and its
 * close, which is then the last user, follows the pointer.
 *
 * Since v5.19 the device is counted, under the lock of the group, before the driver opens it.
 */
import { EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import type * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import type * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import * as merged from './setup/merged-group.ts';
import { NAME, objects, ready, usersLaw } from './setup/one-group.ts';

const fd = local<inV3_12.VfioDevice | number>('fd');
const file = local<inMerged.VfioDeviceFile | number>('file');
const unset = local<number>('unset');

export default defineScenario({
  name: 'device-fd-without-container',
  summary: 'GET_DEVICE_FD looks for a container, and UNSET_CONTAINER takes it away before the device is counted',
  source: 'drivers/vfio/vfio.c, v3.6 to v5.18; 3ca5470878eb (v5.19)',
  covers: ['X-3'],
  tags: ['seed-004'],
  variants: {
    'v3.12': variant({
      objects,
      start: ready,
      threads: ({ vfio, group }) => ({
        opener: [
          call(v3_12.vfio_group_get_device_fd, vfio, group, NAME).into(fd),
          call(v3_12.vfio_device_fops_release, vfio, fd).ifOk(fd),
        ],
        other: [call(v3_12.vfio_group_unset_container, vfio, group).into(unset)],
      }),
      always: usersLaw,
      expect: [
        { kind: 'null-deref', object: 'iommu_driver', between: ['load', 'load'] },
        { kind: 'invariant', object: 'group', between: ['store', 'atomic_inc'] },
        // Its close is the last user, and detaches the group while, or after, the other thread does.
        { kind: 'null-deref', object: 'group_lock', between: ['load', 'down_write'] },
        { kind: 'list-corruption', object: 'group.container_next', between: ['list_del', 'list_del'] },
      ],
    }),
    'v6.6': variant({
      objects: merged.objects,
      start: merged.ready,
      threads: ({ vfio, group, dev, df }) => ({
        opener: [
          call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).into(file),
          call(v6_6.closeDevice, vfio, file).ifOk(file),
        ],
        other: [call(v6_6.vfio_group_ioctl_unset_container, vfio, group).into(unset)],
      }),
      always: merged.usersLaw,
      sometimes: {
        'the device keeps the container': ({ result }) => result(unset) === -EBUSY,
        'the container is gone, and the device is refused': ({ result }) => result(file) === -EINVAL,
        'it is taken away after the close': ({ result }) => typeof result(file) === 'object' && result(unset) === 0,
      },
      leaks: {
        'device.open_count': ({ device }) => device.open_count.value,
        'device.refcount': ({ device }) => device.refcount.n - 1,
        'file.f_count': ({ file: { f_count } }) => f_count.f_count - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        df: ({ all }) => all('df').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
  },
});
