/**
 * Two processes that have one file of a device bind it at the same time, each to an iommufd of its own.
 *
 * Both get past the group, which is blocked twice for it: the first question is whether its own file is open. The rest
 * goes one after the other, under the lock of the set. Who comes second finds that access has been granted, gets -EINVAL,
 * and takes his block of the group back, so that it ends at one. What is asked there comes before df->iommufd is written:
 * the file keeps the iommufd to which it is bound, and gives it back when it is closed.
 */
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { close, sharedNode, sharedNodeLaws, sharedNodeLeaks } from './setup/node.ts';

const bound_a = local<number>('bound_a');
const bound_b = local<number>('bound_b');

export default defineScenario({
  name: 'bind-twice-one-file',
  summary: 'One file of a device is bound by two at the same time',
  source: 'vfio_df_ioctl_bind_iommufd(), drivers/vfio/device_cdev.c, v6.6',
  covers: ['Z-4'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects: { ...sharedNode.objects, iommufd_a: merged.iommufd_ctx, iommufd_b: merged.iommufd_ctx },
      start: sharedNode.start,
      threads: ({ vfio, df, filp, iommufd_a, iommufd_b }) => ({
        a: [call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, iommufd_a).into(bound_a), call(close, vfio, filp, df)],
        b: [call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, iommufd_b).into(bound_b), call(close, vfio, filp, df)],
      }),
      always: {
        ...sharedNodeLaws,
        'when both have come, it is bound to one and the group blocked once': ({ result, df, group, device }) => {
          const [a, b] = [result(bound_a), result(bound_b)];
          if (a === undefined || b === undefined || df.chart.state === 'released') return true;
          const winner = a === 0 ? 'iommufd_a' : 'iommufd_b';
          return (
            a + b === -EINVAL &&
            df.iommufd.value.at === winner &&
            device.iommufd_device.value.at === winner &&
            device.open_count.value === 1 &&
            group.cdev_device_open_cnt.value === 1
          );
        },
      },
      sometimes: {
        'the group is blocked by both': ({ group }) => group.cdev_device_open_cnt.value === 2,
        'one waits for the lock of the set while the other binds': ({ blocked, device, df }) =>
          blocked('b') && device.open_count.value === 1 && df.chart.state === 'blocked',
        'a is bound and b refused': ({ result }) => result(bound_a) === 0 && result(bound_b) === -EINVAL,
        'b is bound and a refused': ({ result }) => result(bound_b) === 0 && result(bound_a) === -EINVAL,
      },
      leaks: {
        ...sharedNodeLeaks,
        iommufd_a: ({ iommufd_a }) => iommufd_a.f_count.f_count - 1,
        iommufd_b: ({ iommufd_b }) => iommufd_b.f_count.f_count - 1,
      },
      expect: [],
    }),
  },
});
