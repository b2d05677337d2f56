/**
 * A device of a provider is opened and closed twice. Each first open has counted the entry up, and no close counts it down.
 *
 * So the unregistration, which takes one away, finds the entry in use and keeps it, and the module goes all the same. Since
 * the count begins at 0, a provider can leave if and only if exactly one first open has succeeded since it came, and whether
 * that device is still open makes no difference. The author names the missing line. With that line alone a provider can leave
 * only while exactly one device of it is open: the registration has to be counted, too.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateLaws, mediateLeaks, nothingLeadsToTheUnloaded, usersAreCounted } from '../laws/mediate.ts';
import { objects, type OneDevice, start, withIgd } from './setup/one-device.ts';

const first = local<number>('first');
const second = local<number>('second');
const third = local<number>('third');
const unloaded = local<number>('unloaded');

const design = (of: rfc.MediateDesign, sessions = [first, second]) => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = withIgd(o, of);
    const session = (fd: typeof first) => [
      call(rfc.vfio_pci_open, driver, o.vdev).into(fd),
      call(rfc.vfio_pci_release, driver, o.vdev).ifOk(fd),
    ];
    return {
      user: [
        call(rfc.igd_dt_init, driver, o.igd_dt_ops),
        ...sessions.flatMap(session),
        call(rfc.igd_dt_unload, driver, o.igd_dt_ops).into(unloaded),
        ...session(third),
      ],
    };
  },
});
const isUnloaded = {
  'the module is unloaded': ({ result }: { result: (of: typeof unloaded) => number | undefined }) => result(unloaded) === 0,
};

export default defineScenario({
  name: 'release-keeps-the-count',
  summary: 'Each first open counts the provider up, and nothing but its unregistration counts it down',
  source: 'RFC 1/9 of December 2019, and what its author says of it in the review',
  covers: ['E-3'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...design(rfc.posted()),
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
    }),
    'rfc-opened-once': variant({
      ...design(rfc.posted(), [first]),
      summary: 'One first open: the count comes out by chance.',
      always: nothingLeadsToTheUnloaded,
      sometimes: isUnloaded,
      leaks: mediateLeaks,
      expect: [],
    }),
    'put-at-release': variant({
      ...design(rfc.posted({ putsAtRelease: true })),
      summary: 'With the line that its author says was forgotten: when all is closed the count is 0, where it began.',
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
    }),
    counted: variant({
      ...design(rfc.posted({ putsAtRelease: true, countsRegistration: true })),
      summary: 'The registration is counted, too.',
      always: { ...nothingLeadsToTheUnloaded, ...usersAreCounted },
      sometimes: isUnloaded,
      leaks: mediateLeaks,
      expect: [],
    }),
    held: variant({
      ...design(rfc.held()),
      summary: 'vfio-pci holds provider and entry.',
      always: mediateLaws,
      sometimes: isUnloaded,
      leaks: mediateLeaks,
      expect: [],
    }),
  },
});
