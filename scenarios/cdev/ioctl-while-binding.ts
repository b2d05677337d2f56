/**
 * A file of a device is read, and told things by ioctl, while it is bound.
 *
 * The calls take no lock. What they go by is access_granted, which the bind sets when everything else is done, with
 * smp_store_release(), and which they read with smp_load_acquire(): whoever finds it set finds the device open, and all that
 * its driver wrote in the open. Whoever comes before that gets -EINVAL.
 */
import { EINVAL, EIO } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { driverOf, pdev } from './setup/driver.ts';
import { close, sharedNode, sharedNodeAtEnd, sharedNodeLaws, sharedNodeLeaks } from './setup/node.ts';
import * as undone from './setup/undone.ts';

const bound = local<number>('bound');
const ioctl = local<number>('ioctl');
const read = local<number>('read');

const objects = { ...sharedNode.objects, iommufd: merged.iommufd_ctx, pdev };

export default defineScenario({
  name: 'ioctl-while-binding',
  summary: 'A file of a device is used by one while another binds it',
  source: 'vfio_df_ioctl_bind_iommufd() and vfio_device_fops, drivers/vfio, v6.6',
  covers: ['Z-7'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects,
      start: sharedNode.start,
      threads: ({ vfio, df, iommufd, pdev }) => {
        const ops = driverOf(pdev);
        return {
          binder: [call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, iommufd, ops).into(bound)],
          user: [call(v6_6.vfio_device_fops_read, vfio, df, ops).into(read)],
        };
      },
      always: { ...sharedNodeLaws, 'nobody gets to a device that is not open': ({ result }) => result(read) !== -EIO },
      sometimes: {
        'a call is refused while the device is opened': ({ result, device, df }) =>
          result(read) === -EINVAL && device.open_count.value === 1 && df.chart.state === 'blocked',
        'it is refused when the driver has opened it': ({ result, pdev, df }) =>
          pdev.enabled.value && result(read) === -EINVAL && df.chart.state === 'blocked',
        'it gets through before the bind has returned': ({ next, result }) =>
          next('binder') === 'mutex_unlock' && result(read) === 0,
      },
      atEnd: {
        ...sharedNodeAtEnd,
        'it is bound': ({ result }) => result(bound) === 0,
      },
      races: true,
      expect: [],
    }),
    'v6.6-closed': variant({
      summary: 'Both close their descriptors: the last one unbinds, and asks for access_granted without a lock or a barrier.',
      objects,
      start: sharedNode.start,
      threads: ({ vfio, df, filp, iommufd, pdev }) => {
        const ops = driverOf(pdev);
        return {
          binder: [call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, iommufd, ops).into(bound), call(close, vfio, filp, df, ops)],
          user: [call(v6_6.vfio_device_fops_unl_ioctl, vfio, df, ops).into(ioctl), call(close, vfio, filp, df, ops)],
        };
      },
      always: { ...sharedNodeLaws, 'nobody gets to a device that is not open': ({ result }) => result(ioctl) !== -EIO },
      sometimes: {
        'who has bound it closes first, and the other unbinds': ({ ended, device, df }) =>
          ended('binder') && device.cdev_opened.value && df.chart.state === 'released',
        'the user closes first': ({ ended, device, df }) =>
          ended('user') && device.cdev_opened.value && df.chart.state === 'granted',
      },
      leaks: { ...sharedNodeLeaks, iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1 },
      races: true,
      expect: [],
    }),
    'granted-first': variant({
      summary: 'A design in which access is granted before the device is opened.',
      objects,
      start: sharedNode.start,
      threads: ({ vfio, df, iommufd, pdev }) => {
        const ops = driverOf(pdev);
        const early = { grants: 'first', isShared: false } as const;
        return {
          binder: [call(undone.vfio_df_ioctl_bind_iommufd, df, iommufd, ops, early).into(bound)],
          user: [call(v6_6.vfio_device_fops_read, vfio, df, ops).into(read)],
        };
      },
      always: sharedNodeLaws,
      sometimes: { 'the driver is asked for what it cannot do yet': ({ result }) => result(read) === -EIO },
      expect: [{ kind: 'invariant', object: 'df' }],
    }),
    'granted-plainly': variant({
      summary: 'A design in which access_granted is a plain flag.',
      objects,
      start: sharedNode.start,
      threads: ({ df, iommufd, pdev }) => {
        const ops = driverOf(pdev);
        const plain = { grants: 'plainly', isShared: false } as const;
        return {
          binder: [call(undone.vfio_df_ioctl_bind_iommufd, df, iommufd, ops, plain).into(bound)],
          user: [call(undone.vfio_device_fops_read, df, ops).into(read)],
        };
      },
      always: sharedNodeLaws,
      expect: [
        { kind: 'data-race', object: 'df.access_granted', between: ['load', 'store'] },
        { kind: 'data-race', object: 'pdev.enabled', between: ['load', 'store'] },
      ],
    }),
  },
});
