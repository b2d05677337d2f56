/**
 * A provider has no release, which each of its ops may lack but open. The last close forgets the provider only where it has
 * told it.
 *
 * The device that nobody has open goes on pointing at the provider. When that has unregistered, the next open finds no
 * provider and leaves the pointer as it is: the next user's accesses go to somebody who has never been asked, with the
 * handle of the user before, and into the memory of a module that may be gone.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateLaws, mediateLeaks, nothingLeadsToTheUnloaded, theClosedIsOff } from '../laws/mediate.ts';
import { objects, type OneDevice, start, withProvider } from './setup/one-device.ts';
import { without_release } from './setup/providers.ts';

const first = local<number>('first');
const second = local<number>('second');
const unloaded = local<number>('unloaded');

const design = (of: rfc.MediateDesign, leaves: 'unloaded' | 'unregistered' = 'unloaded') => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = withProvider(o, of, without_release);
    return {
      user: [
        call(rfc.igd_dt_init, driver, o.igd_dt_ops),
        call(rfc.vfio_pci_open, driver, o.vdev).into(first),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(first),
        leaves === 'unloaded'
          ? call(rfc.igd_dt_unload, driver, o.igd_dt_ops).into(unloaded)
          : call(of.unregister, driver, o.igd_dt_ops),
        call(rfc.vfio_pci_open, driver, o.vdev).into(second),
        call(rfc.vfio_pci_rw, driver, o.vdev, { index: rfc.VFIO_PCI_BAR0_REGION_INDEX }).ifOk(second),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(second),
      ],
    };
  },
});

/** By the lifecycle of the device: see `vfio_pci_device`. */
const neverStale = {
  'no user has the provider and the handle of another': ({ vdev }: { vdev: { chart: { state: string } } }) =>
    vdev.chart.state !== 'stale',
};

export default defineScenario({
  name: 'provider-without-release',
  summary: 'A provider that has no release stays with the device after the last close',
  source: 'RFC 1/9 of December 2019',
  covers: ['E-5'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...design(rfc.posted()),
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
    }),
    'rfc-unregistered': variant({
      ...design(rfc.posted(), 'unregistered'),
      summary: 'The module stays loaded: nothing crashes.',
      always: neverStale,
      expect: [{ kind: 'invariant', object: 'vdev.chart', between: ['atomic_dec_return', 'atomic_inc_return'] }],
    }),
    'always-cleared': variant({
      ...design(rfc.posted({ clearsAlways: true })),
      summary: 'The close forgets the provider also where it has nothing to tell.',
      always: { ...neverStale, ...theClosedIsOff, ...nothingLeadsToTheUnloaded },
      sometimes: { 'the module is unloaded': ({ result }) => result(unloaded) === 0 },
      leaks: mediateLeaks,
      expect: [],
    }),
    held: variant({
      ...design(rfc.held()),
      summary: 'vfio-pci holds provider and entry.',
      always: { ...neverStale, ...mediateLaws },
      sometimes: { 'the module is unloaded': ({ result }) => result(unloaded) === 0 },
      leaks: mediateLeaks,
      expect: [],
    }),
  },
});
