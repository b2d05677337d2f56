/**
 * A device is unbound from its driver while user space has it open: the nominal case, in which nothing is wrong.
 *
 * The driver's remove waits, under the lock of the device, until the last file is closed. It waits in slices of ten
 * seconds, before each of which it asks the driver to relay its wish to user space. A signal ends one slice; after that
 * it waits as before, and does not listen for signals. When it has waited it takes apart what the device was found by,
 * or, in the merged design, has done so before; only then is the memory freed.
 *
 * A user who never closes is waited for without end. The task that waits is not reported by the kernel, for it wakes up
 * for each slice; reported is whoever queues behind it, for the lock of the device. Where v4.14 to v5.18 waits for the
 * container of the last device's group there are no slices, and it is reported itself.
 */
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { usersNoted } from '../laws/container-users.ts';
import { merged, mergedGroup, mergedLeaks, NAME, rfcGroup, rfcGroupLeaks, rfcNode, rfcNodeLeaks } from './setup/one-device.ts';

const fd = local<inRfc.VfioDevice | number>('fd');
const file = local<inMerged.VfioDeviceFile | number>('file');
const bound = local<number>('bound');

interface Results {
  readonly result: (of: Local) => unknown;
  readonly ended: (thread: string) => boolean;
}
/** From the return of the open to the return of the close, the user's last call; or for ever. */
const isOpen = (of: Local, { result, ended }: Results) => typeof result(of) === 'object' && !ended('user');
const isKept = (of: Local, { result }: Results) => typeof result(of) === 'object';

type Device = { readonly device: { readonly freed: boolean; readonly refcount: { readonly n: number } } };
const freedWhenUnused = ({ device }: Device) => !device.freed || device.refcount.n === 0;

const isUnkillable = ({ device }: { readonly device: { readonly chart: { readonly state: string } } }) =>
  device.chart.state.endsWith('_unkillable');

export default defineScenario({
  name: 'unregister-while-open',
  summary: 'A driver is unbound while user space has its device open, and waits until it is closed',
  source: 'vfio_unregister_device() of RFC 03/20, vfio_unregister_group_dev() of v6.6',
  covers: ['Y-9'],
  tags: ['seed-002', 'nominal'],
  variants: {
    'rfc-node': variant({
      summary: 'The device has a node of its own and no group.',
      objects: rfcNode.objects,
      start: rfcNode.start,
      threads: (objects) => ({
        admin: [rfcNode.unbind(objects)],
        user: [call(rfc.openDevice, objects.vfio, NAME).into(fd), call(rfc.vfio_device_fops_release, objects.vfio, fd).ifOk(fd)],
      }),
      always: {
        'no file is open of a freed device': (view) => !(view.device.freed && isOpen(fd, view)),
        'it is freed when nobody has a reference': freedWhenUnused,
      },
      sometimes: {
        'the unbind waits in its slice for the user': (view) => view.next('admin') === 'wait_for_completion' && isOpen(fd, view),
        'the user is asked to let go': (view) => view.eventfd.asked.done > 0 && isOpen(fd, view),
        'after a signal the unbind waits on': (view) => isUnkillable(view) && isOpen(fd, view),
      },
      atEnd: { 'the device is gone': ({ device }) => device.freed },
      leaks: rfcNodeLeaks,
      expect: [],
    }),
    'rfc-group': variant({
      summary: 'The only device of a group on a container: the unbind waits for the device, and then for the container.',
      objects: rfcGroup.objects,
      start: rfcGroup.start(),
      threads: (objects) => ({
        admin: [rfcGroup.unbind(objects)],
        user: [
          call(rfc.vfio_group_get_device_fd, objects.vfio, objects.group, NAME).into(fd),
          call(rfc.vfio_device_fops_release, objects.vfio, fd).ifOk(fd),
          call(rfc.vfio_group_fops_release, objects.vfio, objects.group),
          call(rfc.vfio_fops_release, objects.vfio, objects.container),
        ],
        kworker: rfcGroup.kworker(objects),
      }),
      always: { ...usersNoted('group'), 'it is freed when nobody has a reference': freedWhenUnused },
      sometimes: {
        'the unbind waits in its slice for the user': ({ next, result, device }) =>
          next('admin') === 'wait_for_completion' && typeof result(fd) === 'object' && device.refcount.n > 0,
        'the user is asked to let go': ({ eventfd, device }) => eventfd.asked.done > 0 && device.refcount.n > 0,
        'after a signal the unbind waits on': isUnkillable,
        'the device is closed, and the unbind waits for the container': ({ next, blocked, device }) =>
          next('admin') === 'schedule' && blocked('admin') && device.refcount.n === 0,
      },
      atEnd: {
        'device, group and container are gone': ({ device, group, container }) => device.freed && group.freed && container.freed,
      },
      leaks: {
        ...rfcGroupLeaks,
        unbound: ({ all }) => all('unbound').filter(({ freed }) => !freed).length,
        put_work: ({ all }) => all('put_work').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
    'merged-node': variant({
      summary: 'The file is that of the node, and bound to an iommufd.',
      objects: { ...merged.objects, iommufd: inMerged.iommufd_ctx },
      start: merged.start,
      threads: (objects) => ({
        admin: [merged.unbind(objects)],
        user: [
          call(v6_6.openDevice, objects.vfio, objects.device, { vfio_device_file: objects.df }).into(file),
          call(v6_6.vfio_df_ioctl_bind_iommufd, objects.vfio, file, objects.iommufd).ifOk(file).into(bound),
          call(v6_6.closeDevice, objects.vfio, file).ifOk(file),
        ],
      }),
      always: {
        ...mergedGroupLaws('device'),
        'no file is open of a freed device': (view) => !(view.device.freed && isOpen(file, view)),
        'it is freed when nobody has a reference': freedWhenUnused,
      },
      sometimes: {
        'the unbind waits in its slice for the user': (view) =>
          view.next('admin') === 'wait_for_completion' && isOpen(file, view),
        'the user is asked to let go': (view) => view.eventfd.asked.done > 0 && isOpen(file, view),
        'after a signal the unbind waits on': (view) => isUnkillable(view) && isOpen(file, view),
        'a file is bound of a device that has no node any more': ({ device, vfio, result }) =>
          result(bound) === 0 && device.open_count.value === 1 && vfio.chrdevs.cdevs['device']?.node === false,
      },
      atEnd: { 'device and group are gone': ({ device, group }) => device.freed && group.freed },
      leaks: {
        ...mergedLeaks,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        df: ({ all }) => all('df').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
    'merged-group': variant({
      summary:
        'The file is that of a device of a group on a container. The unbind waits for the device and not for the container.',
      objects: mergedGroup.objects,
      start: mergedGroup.start,
      threads: (objects) => ({
        admin: [mergedGroup.unbind(objects)],
        user: [
          call(v6_6.vfio_group_ioctl_get_device_fd, objects.vfio, objects.group, objects.dev, {
            vfio_device_file: objects.df,
          }).into(file),
          call(v6_6.closeDevice, objects.vfio, file).ifOk(file),
          call(v6_6.closeGroup, objects.vfio, objects.group, objects.file),
          call(v6_6.vfio_fops_release, objects.vfio, objects.container),
        ],
      }),
      always: {
        ...mergedGroupLaws('device'),
        'it is freed when nobody has a reference': freedWhenUnused,
        'it is freed when nobody has it open': ({ device }) => !device.freed || device.open_count.value === 0,
      },
      sometimes: {
        'the unbind waits in its slice for the user': ({ next, device }) =>
          next('admin') === 'wait_for_completion' && device.open_count.value === 1,
        'the user is asked to let go': ({ eventfd, device }) => eventfd.asked.done > 0 && device.open_count.value === 1,
        'after a signal the unbind waits on': isUnkillable,
        'the device is gone, and its group still open': ({ device, group }) =>
          device.freed && group.opened_file.value.at === 'file',
      },
      atEnd: {
        'device, group and container are gone': ({ device, group, container }) => device.freed && group.freed && container.freed,
      },
      leaks: { ...mergedLeaks, df: ({ all }) => all('df').filter(({ freed }) => !freed).length },
      expect: [],
    }),
    'rfc-node-kept': variant({
      summary: 'The user keeps the file, and another driver is to be bound meanwhile.',
      assumes: 'User space never closes the device.',
      objects: { ...rfcNode.objects, host: inRfc.device_driver },
      start: rfcNode.start,
      threads: (objects) => ({
        admin: [rfcNode.unbind(objects)],
        user: [call(rfc.openDevice, objects.vfio, NAME).into(fd)],
        second: [call(rfc.device_driver_attach, rfc.hostDriver(objects.host), objects.dev)],
      }),
      always: { 'no file is open of a freed device': (view) => !(view.device.freed && isKept(fd, view)) },
      sometimes: { 'after a signal the unbind waits on': (view) => isUnkillable(view) && isKept(fd, view) },
      expect: [
        { kind: 'starvation', object: 'device.comp', between: ['wait_for_completion', 'wait_for_completion'] },
        { kind: 'hung-task', object: 'dev.mutex', between: ['mutex_lock', 'mutex_lock'] },
      ],
    }),
    'merged-node-kept': variant({
      summary: 'The user keeps the file, and another driver is to be bound meanwhile.',
      assumes: 'User space never closes the device.',
      objects: { ...merged.objects, host: inMerged.device_driver },
      start: merged.start,
      threads: (objects) => ({
        admin: [merged.unbind(objects)],
        user: [call(v6_6.openDevice, objects.vfio, objects.device, { vfio_device_file: objects.df }).into(file)],
        second: [call(v6_6.device_driver_attach, v6_6.host_driver(objects.host), objects.dev)],
      }),
      always: { 'no file is open of a freed device': (view) => !(view.device.freed && isKept(file, view)) },
      sometimes: { 'after a signal the unbind waits on': (view) => isUnkillable(view) && isKept(file, view) },
      expect: [
        { kind: 'starvation', object: 'device.comp', between: ['wait_for_completion', 'wait_for_completion'] },
        { kind: 'hung-task', object: 'dev.mutex', between: ['mutex_lock', 'mutex_lock'] },
      ],
    }),
    'rfc-group-kept': variant({
      summary: 'The user closes the device and keeps its group on the container, for which the unbind waits without slices.',
      assumes: 'User space never takes the group off its container.',
      objects: rfcGroup.objects,
      start: rfcGroup.start(),
      threads: (objects) => ({
        admin: [rfcGroup.unbind(objects)],
        user: [
          call(rfc.vfio_group_get_device_fd, objects.vfio, objects.group, NAME).into(fd),
          call(rfc.vfio_device_fops_release, objects.vfio, fd).ifOk(fd),
        ],
        kworker: rfcGroup.kworker(objects),
      }),
      expect: [{ kind: 'deadlock', object: 'group.container_q', between: ['schedule', 'schedule'] }],
    }),
  },
});
