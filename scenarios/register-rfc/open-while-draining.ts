/**
 * A driver has let go of its device and waits for the user; another user comes only now, and finds the device all the same.
 *
 * In the RFC the number and the node stay until the wait is over, and the place in the group's list up to v6.5 as well. No
 * memory is touched too late by that: a count of 0 is not raised any more, and the number is taken back before the driver
 * frees the device. But what an open returns is a matter of luck. It takes a reference on a device that is on its way out,
 * and gets the device, or -EBUSY, as long as somebody else has it; -ENODEV once nobody has; -ENOENT when the node is gone.
 *
 * The merged design takes the device off the list and its node out of /dev first. Who comes after that is told that there
 * is none. An open that has found the cdev before may still get a reference, one for each such open and no more.
 */
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { EBUSY, ENODEV } from '../../actors/vfio/errno.ts';
import { ENOENT } from '../../machines/sync/errno.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import type * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { merged, mergedGroup, mergedLeaks, NAME, poll, rfcGroup, rfcNode, rfcNodeLeaks } from './setup/one-device.ts';

const had = local<inRfc.VfioDevice | number>('had');
const got = local<inRfc.VfioDevice | number>('got');
const file = local<inMerged.VfioDeviceFile | number>('file');
const file_in_flight = local<inMerged.VfioDeviceFile | number>('file_in_flight');
const late_file = local<inMerged.VfioDeviceFile | number>('late_file');

interface Draining {
  readonly device: { readonly refcount: { readonly n: number }; readonly freed: boolean };
  readonly eventfd: { readonly asked: { readonly done: number } };
}
/** The driver's own reference is gone by then, so that what is left is that of `most` who came before. */
const noneIsNew =
  (most: number) =>
  ({ device, eventfd }: Draining) =>
    device.refcount.n <= most || eventfd.asked.done === 0;
const freedWhenUnused = ({ device }: Draining) => !device.freed || device.refcount.n === 0;

export default defineScenario({
  name: 'open-while-draining',
  summary: 'A device can be opened anew while its unregistration waits for those who have it open',
  assumes: 'The second user opens the device when the driver has asked the first to let go, and never where it asks nobody.',
  source: 'RFC 02/20 and 03/20; 291872a533a2 and 38c24544e10a, v6.6',
  covers: ['Y-8'],
  tags: ['seed-002'],
  variants: {
    'rfc-node': variant({
      objects: rfcNode.objects,
      start: rfcNode.start,
      threads: (objects) => ({
        admin: [rfcNode.unbind(objects)],
        user: [
          call(rfc.openDevice, objects.vfio, NAME).into(had),
          call(rfc.vfio_device_fops_release, objects.vfio, had).ifOk(had),
        ],
        late: daemon([
          call(poll, objects.eventfd.asked),
          call(rfc.openDevice, objects.vfio, NAME).into(got),
          call(rfc.vfio_device_fops_release, objects.vfio, got).ifOk(got),
        ]),
      }),
      always: {
        'who comes after the request gets no reference': noneIsNew(1),
        'it is freed when nobody has a reference': freedWhenUnused,
        'one at a time has it open': ({ device }) => device.opened.n === 0 || device.opened.n === 1,
      },
      sometimes: {
        'he gets the device': ({ result }) => typeof result(got) === 'object',
        'he gets -EBUSY': ({ result }) => result(got) === -EBUSY,
        'he gets -ENODEV': ({ result }) => result(got) === -ENODEV,
        'he gets -ENOENT': ({ result }) => result(got) === -ENOENT,
      },
      atEnd: { 'the device is gone': ({ device }) => device.freed },
      leaks: rfcNodeLeaks,
      expect: [{ kind: 'invariant', object: 'device.refcount', between: ['complete_all', 'refcount_inc_not_zero'] }],
    }),
    'rfc-group': variant({
      summary: 'By the group, in which there is another device.',
      assumes: 'What the driver core tells others when the driver has gone is left out.',
      objects: { ...rfcGroup.objects, sibling: inRfc.vfio_device, sibling_dev: inRfc.device },
      start: rfcGroup.start('sibling'),
      threads: (objects) => ({
        admin: [rfcGroup.remove(objects)],
        user: [
          call(rfc.vfio_group_get_device_fd, objects.vfio, objects.group, NAME).into(had),
          call(rfc.vfio_device_fops_release, objects.vfio, had).ifOk(had),
        ],
        late: daemon([
          call(poll, objects.eventfd.asked),
          call(rfc.vfio_group_get_device_fd, objects.vfio, objects.group, NAME).into(got),
          call(rfc.vfio_device_fops_release, objects.vfio, got).ifOk(got),
        ]),
      }),
      always: {
        'who comes after the request gets no reference': noneIsNew(1),
        'it is freed when nobody has a reference': freedWhenUnused,
      },
      sometimes: {
        'he gets the device': ({ result }) => typeof result(got) === 'object',
        'he gets -ENODEV': ({ result }) => result(got) === -ENODEV,
      },
      atEnd: { 'the device is gone': ({ device }) => device.freed },
      expect: [{ kind: 'invariant', object: 'device.refcount', between: ['complete_all', 'refcount_inc_not_zero'] }],
    }),
    'merged-group': variant({
      objects: mergedGroup.objects,
      start: mergedGroup.start,
      threads: (objects) => {
        const { vfio, group, dev, df } = objects;
        return {
          admin: [mergedGroup.unbind(objects)],
          user: [
            call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).into(file),
            call(v6_6.closeDevice, vfio, file).ifOk(file),
          ],
          late: daemon([
            call(poll, objects.eventfd.asked),
            call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).into(late_file),
            call(v6_6.closeDevice, vfio, late_file).ifOk(late_file),
          ]),
        };
      },
      always: {
        ...mergedGroupLaws('device'),
        'who comes after the request gets no reference': noneIsNew(1),
        'he gets -ENODEV': ({ result }) => result(late_file) === undefined || result(late_file) === -ENODEV,
        'it is freed when nobody has a reference': freedWhenUnused,
      },
      sometimes: {
        'he comes while the first has the device': ({ result, device }) =>
          result(late_file) === -ENODEV && device.refcount.n === 1,
      },
      atEnd: { 'the device is gone': ({ device }) => device.freed },
      leaks: moduleReferences('vfio_pci'),
      expect: [],
    }),
    merged: variant({
      summary: 'By the node. A third user may come at any time.',
      objects: merged.objects,
      start: merged.start,
      threads: (objects) => {
        const { vfio, device, df } = objects;
        return {
          admin: [merged.unbind(objects)],
          user: [
            call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(file),
            call(v6_6.closeDevice, vfio, file).ifOk(file),
          ],
          in_flight: [
            call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(file_in_flight),
            call(v6_6.closeDevice, vfio, file_in_flight).ifOk(file_in_flight),
          ],
          late: daemon([
            call(poll, objects.eventfd.asked),
            call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(late_file),
            call(v6_6.closeDevice, vfio, late_file).ifOk(late_file),
          ]),
        };
      },
      always: {
        ...mergedGroupLaws('device'),
        'who comes after the request gets no reference': noneIsNew(2),
        'he gets -ENOENT': ({ result }) => result(late_file) === undefined || result(late_file) === -ENOENT,
        'it is freed when nobody has a reference': freedWhenUnused,
      },
      sometimes: {
        'he comes while the first has the device': ({ result, device }) =>
          result(late_file) === -ENOENT && device.refcount.n === 1,
        'an open in flight is still to get its reference': ({ next, device, eventfd }) =>
          next('in_flight') === 'refcount_inc_not_zero' && eventfd.asked.done > 0 && device.refcount.n > 0,
      },
      atEnd: { 'the device is gone': ({ device }) => device.freed },
      leaks: mergedLeaks,
      expect: [],
    }),
  },
});
