/**
 * A provider is loaded and unloaded, and no device was opened in between: the least that can be done with one.
 *
 * The registration starts the count at 0. The unregistration counts down before it looks, finds -1, prints an error and
 * keeps the entry. A module that exits cannot be told to stay: its memory goes, and the entry points into it. Whoever is the
 * first to open a device after that runs what is no longer there, and takes the lock of the list and that of the device
 * with him. Whoever is the first to open any other device waits for the lock of the list for ever.
 *
 * One line helps, which counts the registration.
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import * as in2019 from '../../machines/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateLaws, mediateLeaks, nothingLeadsToTheUnloaded } from '../laws/mediate.ts';
import { type HandlesOf, host, objects as one, start, withIgd } from './setup/one-device.ts';

const unloaded = local<number>('unloaded');
const fd = local<number>('fd');
const other_fd = local<number>('other_fd');

/** In another slot, of another user, and nothing that the provider knows. */
const objects = {
  ...one,
  other: in2019.vfio_pci_device,
  other_pdev: in2019.pci_dev,
  other_reflck: in2019.vfio_pci_reflck,
  host,
};

const design = (of: rfc.MediateDesign) => ({
  objects,
  start: { ...start, ...in2019.bound({ vdev: 'other', pdev: 'other_pdev', reflck: 'other_reflck' }) },
  threads: (o: HandlesOf<typeof objects>) => {
    const driver = withIgd(o, of);
    return {
      admin: [
        call(rfc.igd_dt_init, driver, o.igd_dt_ops),
        call(rfc.igd_dt_unload, driver, o.igd_dt_ops).into(unloaded),
        call(complete, o.host.ready),
        call(rfc.vfio_pci_open, driver, o.vdev).into(fd),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(fd),
      ],
      user: [
        call(wait_for_completion, o.host.ready),
        call(rfc.vfio_pci_open, driver, o.other).into(other_fd),
        call(rfc.vfio_pci_release, driver, o.other).ifOk(other_fd),
      ],
    };
  },
});

export default defineScenario({
  name: 'unregister-never-opened',
  summary: 'A provider that never had a device cannot be unregistered: its entry stays, and points into an unloaded module',
  source: 'RFC 1/9 vfio/pci: introduce mediate ops to intercept vfio-pci ops, December 2019, and its review',
  covers: ['E-1'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...design(rfc.posted()),
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
      leadsTo: [{ kind: 'deadlock', object: 'vfio_pci.mediate_ops_list_lock' }],
    }),
    counted: variant({
      ...design(rfc.posted({ countsRegistration: true })),
      summary: 'The registration is counted.',
      always: nothingLeadsToTheUnloaded,
      sometimes: {
        'the module is gone, and a device is open': ({ igd_dt_ops, vdev }) =>
          igd_dt_ops.module.state === 'unloaded' && vdev.chart.state === 'open',
      },
      leaks: mediateLeaks,
      expect: [],
    }),
    held: variant({
      ...design(rfc.held()),
      summary: 'vfio-pci holds provider and entry.',
      always: mediateLaws,
      sometimes: {
        'the module is gone, and a device is open': ({ igd_dt_ops, vdev }) =>
          igd_dt_ops.module.state === 'unloaded' && vdev.chart.state === 'open',
      },
      leaks: mediateLeaks,
      expect: [],
    }),
  },
});
