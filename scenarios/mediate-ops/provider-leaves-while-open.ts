/**
 * A provider goes while a user has a device of it open.
 *
 * The device points straight at the ops, which lie in the memory of the module, and nothing but the provider's own reference
 * keeps that there. The interface does not ask for one. Without it the module is unloaded under an open device, and the next
 * access runs what is gone. The providers of the series do hold themselves, from open to release, and their rmmod is refused.
 * Their last reference they give back from their own code: between the put and the return the module may go.
 *
 * A driver that is unbound from its own device keeps its module and loses what it had for that device; unregistering it
 * succeeds, and the open device goes on to use it. So unregistering has to wait until the last device is closed: that
 * vfio-pci holds the module, from before the open to after the release, is not enough. It is what lets rmmod refuse; where
 * unregistering waits and nobody holds the module, nothing is used that is gone, but rmmod hangs for as long as a user likes.
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { EAGAIN } from '../../machines/sync/errno.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateLaws, mediateLeaks, mediateModules } from '../laws/mediate.ts';
import { type HandlesOf, host, objects as one, start, withIgd, withProvider } from './setup/one-device.ts';
import { bound_state, state_remove, unpinned, with_state } from './setup/providers.ts';

const unloaded = local<number>('unloaded');
const fd = local<number>('fd');

const objects = { ...one, host };
type Objects = HandlesOf<typeof objects>;
const objectsOfBound = { ...objects, state: bound_state };
type OfBound = HandlesOf<typeof objectsOfBound>;

const session = (driver: rfc.VfioPciDriver, { vdev, host }: Objects) => [
  call(rfc.vfio_pci_open, driver, vdev).into(fd),
  call(complete, host.ready),
  call(rfc.vfio_pci_rw, driver, vdev, { index: rfc.VFIO_PCI_BAR0_REGION_INDEX }),
  call(rfc.vfio_pci_release, driver, vdev).ifOk(fd),
];

const unloads = (design: rfc.MediateDesign, withOps: (o: Objects, design: rfc.MediateDesign) => rfc.VfioPciDriver) => ({
  objects,
  start,
  threads: (o: Objects) => {
    const driver = withOps(o, design);
    return {
      user: [call(rfc.igd_dt_init, driver, o.igd_dt_ops), ...session(driver, o)],
      admin: [call(wait_for_completion, o.host.ready), call(rfc.igd_dt_unload, driver, o.igd_dt_ops).into(unloaded)],
    };
  },
});

const unbinds = (design: rfc.MediateDesign) => ({
  objects: objectsOfBound,
  start,
  threads: (o: OfBound) => {
    const driver = withProvider(o, design, with_state(o.state));
    return {
      user: [call(design.register, driver, o.igd_dt_ops), ...session(driver, o)],
      admin: [call(wait_for_completion, o.host.ready), call(state_remove, driver, o.igd_dt_ops, o.state)],
    };
  },
});

const withUnpinned = (o: Objects, design: rfc.MediateDesign) => withProvider(o, design, unpinned);

export default defineScenario({
  name: 'provider-leaves-while-open',
  summary: 'A provider is unloaded or unbound while a device of it is open',
  source: 'RFC 1/9, 5/9 and 7/9 of December 2019, and the review of 1/9',
  covers: ['E-2'],
  tags: ['seed-000'],
  variants: {
    'rfc-unpinned': variant({
      ...unloads(rfc.posted(), withUnpinned),
      summary: 'The provider does as it is told, which is nothing about its module.',
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
    }),
    'rfc-pins-itself': variant({
      ...unloads(rfc.posted(), withIgd),
      summary: 'The provider holds itself while the device is open, as those of the series do.',
      assumes:
        'The kernel preempts. Where it does not, free_module() waits for an RCU grace period, and so for the return of who has put.',
      sometimes: { 'rmmod is refused': ({ result }) => result(unloaded) === -EAGAIN },
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
    }),
    'rfc-unbound': variant({
      ...unbinds(rfc.posted()),
      summary: 'The module stays; its driver is unbound from its own device.',
      expect: [{ kind: 'use-after-free', object: 'state', between: ['kfree', 'load'] }],
    }),
    'held-without-wait': variant({
      ...unloads(rfc.held(false), withUnpinned),
      summary: 'vfio-pci holds the module while the device is open. Unregistering does not wait.',
      always: mediateLaws,
      sometimes: { 'rmmod is refused': ({ result }) => result(unloaded) === -EAGAIN },
      leaks: mediateLeaks,
      expect: [],
    }),
    'held-without-wait-unbound': variant({
      ...unbinds(rfc.held(false)),
      summary: 'That does not help against an unbind.',
      expect: [{ kind: 'use-after-free', object: 'state', between: ['kfree', 'load'] }],
    }),
    held: variant({
      ...unloads(rfc.held(), withUnpinned),
      summary: 'Unregistering waits, too.',
      always: mediateLaws,
      sometimes: { 'rmmod is refused': ({ result }) => result(unloaded) === -EAGAIN },
      leaks: mediateLeaks,
      expect: [],
    }),
    'held-unbound': variant({
      ...unbinds(rfc.held()),
      summary: 'The unbind waits for the user.',
      always: mediateLaws,
      sometimes: {
        'the unbind waits, and the device is open': ({ next, blocked, vdev }) =>
          next('admin') === 'wait_for_completion' && blocked('admin') && vdev.chart.state === 'mediated',
      },
      atEnd: { 'the driver has freed what it had': ({ state }) => state.freed },
      leaks: { ...mediateModules, 'vfio_pci.mediate_ops_list': ({ vfio_pci }) => vfio_pci.mediate_ops_list.entries.length },
      expect: [],
    }),
  },
});
