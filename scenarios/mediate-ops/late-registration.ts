/**
 * A provider registers while a device that it would take is open.
 *
 * Providers are asked by the first open and by no other. Whoever opens the device from then on has it as the first has: not
 * mediated, until the last of them has closed it. So whether a guest can be migrated depends on which came first, the provider
 * or the virtual machine, and nobody is told. The RFC does not say what should be; neither does its review, which leaves
 * open whether a provider may come to an open device at all.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateLaws, mediateModules, theClosedIsOff } from '../laws/mediate.ts';
import { objects, type OneDevice, start, withIgd } from './setup/one-device.ts';

const early = local<number>('early');
const registered = local<number>('registered');
const late = local<number>('late');

const beforeAndAfter = (of: rfc.MediateDesign) => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = withIgd(o, of);
    return {
      user: [
        call(rfc.vfio_pci_open, driver, o.vdev).into(early),
        call(rfc.igd_dt_init, driver, o.igd_dt_ops).into(registered),
        call(rfc.vfio_pci_open, driver, o.vdev).into(late),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(late),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(early),
      ],
    };
  },
  always: {
    'who opens a device after its provider has come has it mediated': ({
      result,
      vdev,
    }: {
      result: (of: typeof late) => number | undefined;
      vdev: { chart: { state: string } };
    }) => result(registered) !== 0 || result(late) !== 0 || vdev.chart.state !== 'open',
  },
});

/** The same beside each other, and a second session when the first is over. */
const besides = (of: rfc.MediateDesign) => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = withIgd(o, of);
    return {
      user: [
        call(rfc.vfio_pci_open, driver, o.vdev).into(early),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(early),
        call(rfc.vfio_pci_open, driver, o.vdev).into(late),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(late),
      ],
      admin: [call(rfc.igd_dt_init, driver, o.igd_dt_ops).into(registered)],
    };
  },
});

export default defineScenario({
  name: 'late-registration',
  summary: 'A provider that comes to an open device is not asked before the last user has gone',
  source: 'RFC 1/9 of December 2019',
  covers: ['E-13'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...beforeAndAfter(rfc.posted()),
      summary: 'The device is opened before the provider comes and after.',
      expect: [{ kind: 'invariant', object: 'vdev.chart' }],
    }),
    held: variant({
      ...beforeAndAfter(rfc.held()),
      summary: 'That vfio-pci holds its providers changes nothing in this.',
      expect: [{ kind: 'invariant', object: 'vdev.chart' }],
    }),
    'rfc-reopened': variant({
      ...besides(rfc.posted()),
      summary: 'The provider comes at any time. Who opens the device when it is closed, and the provider there, has it mediated.',
      always: theClosedIsOff,
      sometimes: {
        'the first user is without a provider that has come': ({ result, vdev }) =>
          result(registered) === 0 && result(early) === 0 && vdev.chart.state === 'open',
        'the first user has it mediated': ({ result, vdev }) => result(late) === undefined && vdev.chart.state === 'mediated',
        'the second user has it mediated': ({ result, vdev }) => result(late) === 0 && vdev.chart.state === 'mediated',
      },
      leaks: mediateModules,
      expect: [],
    }),
    'held-reopened': variant({
      ...besides(rfc.held()),
      always: mediateLaws,
      sometimes: {
        'the first user is without a provider that has come': ({ result, vdev }) =>
          result(registered) === 0 && result(early) === 0 && vdev.chart.state === 'open',
        'the second user has it mediated': ({ result, vdev }) => result(late) === 0 && vdev.chart.state === 'mediated',
      },
      leaks: mediateModules,
      expect: [],
    }),
  },
});
