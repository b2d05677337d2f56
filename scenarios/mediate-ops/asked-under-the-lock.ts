/**
 * Providers are asked under the lock of the list, and what they do there takes locks of their own.
 *
 * A provider that holds such a lock while it unregisters takes the two in the other order: user and admin wait for each other,
 * and with them each first open on the host. One that registers anything from its open waits for itself.
 *
 * An entry and a module that are held let vfio-pci ask without the lock. That is enough as long as unregistering does not
 * wait. Where it does, as it must for a driver that is unbound, its caller must not hold what an open needs.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { mediateLaws, mediateModules } from '../laws/mediate.ts';
import { objects, type OneDevice, start, withProvider } from './setup/one-device.ts';
import { locked_remove, unlocked_remove, unpinned, with_lock } from './setup/providers.ts';

const fd = local<number>('fd');

const design = (of: rfc.MediateDesign, remove: typeof locked_remove = locked_remove) => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = withProvider(o, of, with_lock(o.igd_dt_ops));
    return {
      user: [call(rfc.vfio_pci_open, driver, o.vdev).into(fd), call(rfc.vfio_pci_release, driver, o.vdev).ifOk(fd)],
      admin: [call(of.register, driver, o.igd_dt_ops), call(remove, driver, o.igd_dt_ops)],
    };
  },
});

const HOLDS = 'The provider holds its lock over the unregistration. Neither provider of the series does.';

type Seen = View<typeof objects>;
const asked = {
  'the provider is asked while it leaves': ({ next, blocked, igd_dt_ops }: Seen) =>
    next('user') === 'mutex_lock' && blocked('user') && igd_dt_ops.device_bit_lock.owner === 'admin',
};

export default defineScenario({
  name: 'asked-under-the-lock',
  summary: 'A provider is called with the lock of the list held, and unregisters with its own',
  source: 'RFC 1/9 of December 2019',
  covers: ['E-7'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...design(rfc.posted()),
      assumes: HOLDS,
      expect: [
        { kind: 'deadlock', object: 'igd_dt_ops.device_bit_lock' },
        { kind: 'lock-order', object: 'igd_dt_ops.device_bit_lock', between: ['mutex_lock', 'mutex_lock'] },
      ],
    }),
    'rfc-registers-from-open': variant({
      summary: 'The open of the provider registers its ops, once more.',
      objects,
      start,
      threads: (o) => {
        const of = rfc.posted();
        const driver: rfc.VfioPciDriver = withProvider(o, of, { ...unpinned, open: () => registersFromOpen(o) });
        function* registersFromOpen({ igd_dt_ops }: OneDevice) {
          yield* of.register(driver, igd_dt_ops);
          return { ret: 0, caps: 0, handle: 0 };
        }
        return {
          user: [call(of.register, driver, o.igd_dt_ops), call(rfc.vfio_pci_open, driver, o.vdev).into(fd)],
        };
      },
      expect: [{ kind: 'self-deadlock', object: 'vfio_pci.mediate_ops_list_lock' }],
    }),
    'held-without-wait': variant({
      ...design(rfc.held(false)),
      summary: 'The provider is asked without the lock of the list. Unregistering does not wait.',
      assumes: HOLDS,
      always: mediateLaws,
      sometimes: asked,
      leaks: mediateModules,
      expect: [],
    }),
    'held-waits-under-lock': variant({
      ...design(rfc.held()),
      summary: 'Unregistering waits for the open that is under way, which waits for the lock of the provider.',
      assumes: HOLDS,
      expect: [{ kind: 'deadlock', object: 'mentry.released' }],
    }),
    held: variant({
      ...design(rfc.held(), unlocked_remove),
      summary: 'The provider has let its lock go before it unregisters.',
      always: mediateLaws,
      sometimes: {
        'the unregistration waits': ({ next, blocked }) => next('admin') === 'wait_for_completion' && blocked('admin'),
      },
      leaks: mediateModules,
      expect: [],
    }),
  },
});
