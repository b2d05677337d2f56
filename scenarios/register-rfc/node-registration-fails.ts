/**
 * Checked, and no bug of the series: a registration that fails gives its number back and has no node to destroy, as
 * device_create() is the last in it that can fail. It leaves nothing behind, and the next attempt finds the name free.
 *
 * The twin has one thing more that can fail, an attribute of the node, and leaves by the same door: the number goes, the
 * node stays. Whoever opens it is told -ENODEV from now on, and the next attempt stumbles over the name.
 */
import { choose, type Operation } from '../../actors/step.ts';
import { ENODEV, ENOMEM, ENOSPC } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import type { Json, ViewOf } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { changedBy, mayFail } from './setup/changed-by.ts';

const NAME = '0000:00:14.2';
const fd = local<inRfc.VfioDevice | number>('fd');
const first = local<number>('first');
const second = local<number>('second');

type Probe = (vfio: inRfc.Vfio, device: inRfc.VfioDevice) => Operation<number>;

/** What may fail in the source: no memory, or no number. */
const probe: Probe = (vfio, device) =>
  mayFail({ idr_alloc: ENOSPC, device_create: ENOMEM }, rfc.vfio_pci_probe(vfio, device, rfc.VFIO_DEVNODE_NONGROUP));

function* andItsAttribute(device_create: () => Operation<Json>): Operation<Json> {
  const ret = yield* device_create();
  if (ret !== 0) return ret;
  return (yield* choose('device_create_file()', 'succeeds', 'fails')) === 'fails' ? -ENOMEM : 0;
}

/** Left out: the device_destroy() that this would need. */
const probeWithAttribute: Probe = (vfio, device) =>
  changedBy(
    ({ event: { type } }, _along, asItIs) => (type === 'device_create' ? andItsAttribute(asItIs) : null),
    rfc.vfio_pci_probe(vfio, device, rfc.VFIO_DEVNODE_NONGROUP),
  );

const objects = {
  vfio: inRfc.vfio,
  vfio_pci: inRfc.device_driver,
  device: inRfc.vfio_device,
  /** What the second probe allocates: a probe that fails has freed its own. */
  again: inRfc.vfio_device,
  dev: inRfc.device,
};
const start = inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }, { device: 'again', dev: 'dev', name: NAME });

const threads =
  (by: Probe) =>
  ({ vfio, vfio_pci, device, again, dev }: HandlesOf) => {
    const driver = (of: inRfc.VfioDevice): rfc.Driver => ({
      driver: vfio_pci,
      probe: () => by(vfio, of),
      remove: () => rfc.vfio_pci_remove(vfio, of),
    });
    return {
      admin: [
        call(rfc.device_driver_attach, driver(device), dev).into(first),
        call(rfc.device_driver_attach, driver(again), dev).into(second),
      ],
      user: [call(rfc.openDevice, vfio, NAME).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
    };
  };

type HandlesOf = { readonly vfio: inRfc.Vfio; readonly vfio_pci: inRfc.DeviceDriver; readonly dev: inRfc.Device } & {
  readonly [name in 'device' | 'again']: inRfc.VfioDevice;
};

type View = { readonly vfio: ViewOf<typeof inRfc.vfio> };
const isOneAndAll = ({ vfio }: View): boolean => {
  const nodes = Object.keys(vfio.device_class.nodes).length;
  return nodes === Object.keys(vfio.device_idr.entries).length && nodes === vfio.device_list.entries.length;
};

export default defineScenario({
  name: 'node-registration-fails',
  summary: 'A registration that fails has no node to destroy, as long as creating the node is the last that can fail',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-b'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'A probe may fail for want of a number or of memory, and is tried once more.',
      objects,
      start,
      threads: threads(probe),
      always: {
        'number, node and entry come and go as one': (view) => view.vfio.device_lock.owner !== null || isOneAndAll(view),
        'a node that is there can be opened': ({ result }) => result(fd) !== -ENODEV,
      },
      sometimes: {
        'both attempts fail': ({ result }) => result(first) === -ENOMEM && result(second) === -ENOMEM,
        'the second succeeds where the first has failed': ({ result }) => result(first) === -ENOMEM && result(second) === 0,
        'user space has the device of the second': ({ result, again }) => again.opened.n === 1 && result(first) === -ENOMEM,
      },
      atEnd: {
        'a device is registered or freed': ({ vfio, device, again, result }) =>
          (vfio.device_list.entries.includes('device') || device.freed) &&
          // The second is not even tried where the first has succeeded.
          (vfio.device_list.entries.includes('again') || again.freed || result(first) === 0),
      },
      leaks: {
        'vfio.device_class': ({ vfio }) => Object.keys(vfio.device_class.nodes).length - vfio.device_list.entries.length,
        'vfio.device_idr': ({ vfio }) => Object.keys(vfio.device_idr.entries).length - vfio.device_list.entries.length,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
    'fails-after-the-node': variant({
      summary: 'What would break: something that can fail comes after device_create().',
      objects,
      start,
      threads: threads(probeWithAttribute),
      always: {
        'number, node and entry come and go as one': (view) => view.vfio.device_lock.owner !== null || isOneAndAll(view),
      },
      sometimes: { 'the node that is left leads nowhere': ({ result }) => result(fd) === -ENODEV },
      leaks: {
        'vfio.device_class': ({ vfio }) => Object.keys(vfio.device_class.nodes).length - vfio.device_list.entries.length,
      },
      expect: [{ kind: 'invariant', object: 'vfio.device_lock', between: ['idr_remove', 'mutex_unlock'] }],
      leadsTo: [
        { kind: 'warn', object: 'vfio.device_class', between: ['device_create', 'device_create'] },
        { kind: 'leak', object: 'vfio.device_class' },
      ],
    }),
  },
});
