/**
 * A provider is registered and does not take the device. What it said when it was asked is what the open returns.
 *
 * By then the device is enabled and counted as open. The user gets an error and no file, so that nobody will ever close it.
 * He tries again: the count is not 0, nothing is enabled and no provider asked, and he gets his file. When he closes that
 * the count is back at 1. The device is never disabled; bus mastering stays on if he had turned it on; the next user
 * gets the device as this one has left it. Any provider does that to all devices of the host that are not its own.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { allClosedIsOff, mediateLaws, mediateLeaks, theClosedIsOff } from '../laws/mediate.ts';
import { objects, type OneDevice, start, withIgd } from './setup/one-device.ts';

const first = local<number>('first');
const second = local<number>('second');

const design = (of: rfc.MediateDesign, mayFailToEnable = false) => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = { ...withIgd(o, of, []), mayFailToEnable };
    const command = { index: rfc.VFIO_PCI_CONFIG_REGION_INDEX, write: 1 };
    return {
      user: [
        call(rfc.igd_dt_init, driver, o.igd_dt_ops),
        call(rfc.vfio_pci_open, driver, o.vdev).into(first),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(first),
        call(rfc.vfio_pci_open, driver, o.vdev).into(second),
        call(rfc.vfio_pci_rw, driver, o.vdev, command).ifOk(second),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(second),
      ],
    };
  },
});

type Seen = View<typeof objects>;
const masters = { 'the user has turned bus mastering on': ({ pdev }: Seen) => pdev.is_busmaster.value };
const fails = { 'the device cannot be enabled': ({ result }: Seen) => (result(first) ?? 0) < 0 };

export default defineScenario({
  name: 'stale-ret',
  summary: 'An open fails with what a provider said that did not take the device, and leaves the device open for ever',
  source: 'RFC 1/9 of December 2019',
  covers: ['E-4'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...design(rfc.posted()),
      sometimes: {
        'the second open succeeds where the first has failed': ({ result }) => (result(first) ?? 0) < 0 && result(second) === 0,
        ...masters,
      },
      atEnd: allClosedIsOff,
      leaks: mediateLeaks,
      expect: [
        { kind: 'leak', object: 'vdev' },
        { kind: 'end-state', object: 'pdev.enable_cnt' },
      ],
    }),
    'own-ret': variant({
      ...design(rfc.posted({ ownRet: true }), true),
      summary: 'The search has a result of its own. The device may fail to be enabled, which does not count it as open.',
      always: theClosedIsOff,
      sometimes: { ...masters, ...fails },
      atEnd: allClosedIsOff,
      leaks: mediateLeaks,
      expect: [],
    }),
    held: variant({
      ...design(rfc.held(), true),
      summary: 'vfio-pci holds provider and entry.',
      always: mediateLaws,
      sometimes: { ...masters, ...fails },
      atEnd: allClosedIsOff,
      leaks: mediateLeaks,
      expect: [],
    }),
  },
});
