/**
 * Two open the node of one device, and each binds his file to an iommufd of his own, at the same time.
 *
 * The open is granted to both, and gives nothing. Of the binds the second finds open_count raised, under the lock of the
 * set, and is refused: a device by its own node has one user, as there is no container that several could share. A file
 * of a group need not ask that.
 *
 * Were it not asked, the second would get access to a device whose DMA goes where the first one says, and would keep it
 * open when the first is gone.
 */
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { node, nodeAtEnd, nodeLaws, nodeLeaks } from './setup/node.ts';
import * as undone from './setup/undone.ts';

const fd_a = local<merged.VfioDeviceFile | number>('fd_a');
const fd_b = local<merged.VfioDeviceFile | number>('fd_b');
const bound_a = local<number>('bound_a');
const bound_b = local<number>('bound_b');

const objects = { ...node.objects, iommufd_a: merged.iommufd_ctx, iommufd_b: merged.iommufd_ctx };

const whoIsBoundHasTheDma = ({ all, device }: View<typeof objects>) =>
  all('df').every(
    ({ freed, chart, iommufd }) => freed || chart.state !== 'granted' || iommufd.value.at === device.iommufd_device.value.at,
  );

export default defineScenario({
  name: 'bind-two-files',
  summary: 'Two files of one device are bound at the same time',
  source: 'vfio_df_open(), drivers/vfio/vfio_main.c, v6.6',
  covers: ['Z-5'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects,
      start: node.start,
      threads: ({ vfio, device, df, iommufd_a, iommufd_b }) => ({
        a: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd_a),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd_a, iommufd_a).into(bound_a),
          call(v6_6.closeDevice, vfio, fd_a),
        ],
        b: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd_b),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd_b, iommufd_b).into(bound_b),
          call(v6_6.closeDevice, vfio, fd_b),
        ],
      }),
      always: {
        ...nodeLaws,
        'who is bound has the DMA': whoIsBoundHasTheDma,
      },
      sometimes: {
        'the group is blocked for both': ({ group }) => group.cdev_device_open_cnt.value === 2,
        'a is bound and b refused': ({ result }) => result(bound_a) === 0 && result(bound_b) === -EINVAL,
        'b is bound and a refused': ({ result }) => result(bound_b) === 0 && result(bound_a) === -EINVAL,
        'b is bound after a': ({ result }) => result(bound_a) === 0 && result(bound_b) === 0,
        'when both have come, the group is blocked once': ({ result, device, group }) =>
          (result(bound_a) ?? 1) + (result(bound_b) ?? 1) === -EINVAL &&
          device.cdev_opened.value &&
          group.cdev_device_open_cnt.value === 1,
      },
      atEnd: nodeAtEnd,
      leaks: {
        ...nodeLeaks,
        iommufd_a: ({ iommufd_a }) => iommufd_a.f_count.f_count - 1,
        iommufd_b: ({ iommufd_b }) => iommufd_b.f_count.f_count - 1,
      },
      expect: [],
    }),
    'as-by-group': variant({
      summary: 'A design in which vfio_df_open() counts a second user of a node as it counts one of a group.',
      objects,
      start: node.start,
      threads: ({ vfio, device, df, iommufd_a, iommufd_b }) => {
        const shared = { grants: 'last', isShared: true } as const;
        return {
          a: [
            call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd_a),
            call(undone.vfio_df_ioctl_bind_iommufd, fd_a, iommufd_a, v6_6.vfio_device_ops, shared).into(bound_a),
          ],
          b: [
            call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd_b),
            call(undone.vfio_df_ioctl_bind_iommufd, fd_b, iommufd_b, v6_6.vfio_device_ops, shared).into(bound_b),
          ],
        };
      },
      always: { 'who is bound has the DMA': whoIsBoundHasTheDma },
      expect: [{ kind: 'invariant', object: 'df', between: ['store', 'store'] }],
    }),
  },
});
