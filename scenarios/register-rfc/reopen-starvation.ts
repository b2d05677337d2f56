/**
 * Two users who open a device anew as soon as they have closed it, and a driver that waits for it to be closed.
 *
 * Up to v6.5, and in the RFC for the node as well, a device can be found until the wait for its users is over. Who opens it
 * before the other has put his reference takes one on a device that is on its way out. While the two overlap the count
 * never gets to 0, and the unbind never ends, although both users let go whenever the driver asks them to.
 *
 * Since v6.6 the device leaves the list of its group (291872a533a2) and its node leaves /dev (38c24544e10a) before the wait:
 * who lets go finds nothing that could be opened.
 */
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_5 from '../../actors/vfio/v6.5/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import type * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { type Call, call, defineScenario, type Expectation, type Local, local, task, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { merged, mergedGroup, NAME, poll, rfcGroup, rfcNode, v6_5Group } from './setup/one-device.ts';

const device_of = {
  a: local<inRfc.VfioDevice | number>('device_of_a'),
  b: local<inRfc.VfioDevice | number>('device_of_b'),
};
const v6_5_device_of = {
  a: local<inMerged.VfioDevice | number>('device_of_a'),
  b: local<inMerged.VfioDevice | number>('device_of_b'),
};
const file_of = {
  a: local<inMerged.VfioDeviceFile | number>('file_of_a'),
  b: local<inMerged.VfioDeviceFile | number>('file_of_b'),
};

/** Both have the device for as long as the driver does not want it back, and try again at once when they have let go. */
const users = <L extends Local>(of: { readonly a: L; readonly b: L }, calls: (opened: L) => readonly Call[]) => ({
  user_a: task(calls(of.a), { forever: true }),
  user_b: task(calls(of.b), { forever: true }),
});

const starves: readonly Expectation[] = [
  { kind: 'starvation', object: 'device.comp', between: ['wait_for_completion', 'refcount_inc_not_zero'] },
];

export default defineScenario({
  name: 'reopen-starvation',
  summary: 'Users who open a device anew as soon as they have closed it keep its unregistration from ever ending',
  assumes: 'Two users open one device for ever, and close it whenever the driver asks them to.',
  source: '291872a533a2 and 38c24544e10a, v6.6',
  covers: ['Y-7'],
  tags: ['seed-002'],
  variants: {
    'rfc-node': variant({
      summary: 'By the node of the device, which one user at a time can open: the other has a reference while he is refused.',
      objects: rfcNode.objects,
      start: rfcNode.start,
      threads: (objects) => ({
        admin: [rfcNode.unbind(objects)],
        ...users(device_of, (opened) => [
          call(rfc.openDevice, objects.vfio, NAME).into(opened),
          call(poll, objects.eventfd.asked).ifOk(opened),
          call(rfc.vfio_device_fops_release, objects.vfio, opened).ifOk(opened),
        ]),
      }),
      always: { 'one at a time has it open': ({ device }) => device.opened.n === 0 || device.opened.n === 1 },
      sometimes: {
        'the unbind waits, and both have a reference': ({ next, device }) =>
          next('admin') === 'wait_for_completion' && device.refcount.n === 2,
      },
      expect: starves,
    }),
    'rfc-group': variant({
      summary: 'By the group, in which there is another device.',
      assumes: 'What the driver core tells others when the driver has gone is left out.',
      objects: { ...rfcGroup.objects, sibling: inRfc.vfio_device, sibling_dev: inRfc.device },
      start: rfcGroup.start('sibling'),
      threads: (objects) => ({
        admin: [rfcGroup.remove(objects)],
        ...users(device_of, (opened) => [
          call(rfc.vfio_group_get_device_fd, objects.vfio, objects.group, NAME).into(opened),
          call(poll, objects.eventfd.asked).ifOk(opened),
          call(rfc.vfio_device_fops_release, objects.vfio, opened).ifOk(opened),
        ]),
      }),
      sometimes: {
        'the unbind waits, and both have the device': ({ next, device }) =>
          next('admin') === 'wait_for_completion' && device.refcount.n === 2,
      },
      expect: starves,
    }),
    'v6.5-group': variant({
      summary: 'By the group, in the last kernel in which the wait comes first.',
      objects: v6_5Group.objects,
      start: v6_5Group.start,
      threads: (objects) => ({
        admin: [v6_5Group.unbind(objects)],
        ...users(v6_5_device_of, (opened) => [
          call(v6_5.vfio_group_ioctl_get_device_fd, objects.vfio, objects.group, objects.dev).into(opened),
          call(poll, objects.eventfd.asked).ifOk(opened),
          call(v6_5.vfio_device_fops_release, objects.vfio, opened).ifOk(opened),
        ]),
      }),
      sometimes: {
        'the unbind waits, and both have the device': ({ next, device }) =>
          next('admin') === 'wait_for_completion' && device.open_count.value === 2,
      },
      expect: starves,
    }),
    'merged-group': variant({
      summary: 'By the group. The device has left its list before it is waited for.',
      objects: mergedGroup.objects,
      start: mergedGroup.start,
      threads: (objects) => ({
        admin: [mergedGroup.unbind(objects)],
        ...users(file_of, (opened) => [
          call(v6_6.vfio_group_ioctl_get_device_fd, objects.vfio, objects.group, objects.dev, {
            vfio_device_file: objects.df,
          }).into(opened),
          call(poll, objects.eventfd.asked).ifOk(opened),
          call(v6_6.closeDevice, objects.vfio, opened).ifOk(opened),
        ]),
      }),
      always: mergedGroupLaws('device'),
      sometimes: {
        'the unbind waits, and both have the device': ({ next, device }) =>
          next('admin') === 'wait_for_completion' && device.open_count.value === 2,
        'the device is gone': ({ device }) => device.freed,
      },
      expect: [],
    }),
    merged: variant({
      summary: 'By the node of the device, which has left /dev before the device is waited for.',
      objects: merged.objects,
      start: merged.start,
      threads: (objects) => ({
        admin: [merged.unbind(objects)],
        ...users(file_of, (opened) => [
          call(v6_6.openDevice, objects.vfio, objects.device, { vfio_device_file: objects.df }).into(opened),
          call(poll, objects.eventfd.asked).ifOk(opened),
          call(v6_6.closeDevice, objects.vfio, opened).ifOk(opened),
        ]),
      }),
      always: mergedGroupLaws('device'),
      sometimes: {
        'the unbind waits, and both have the device': ({ next, device }) =>
          next('admin') === 'wait_for_completion' && device.refcount.n === 2,
        'the device is gone': ({ device }) => device.freed,
      },
      expect: [],
    }),
  },
});
