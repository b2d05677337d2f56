/**
 * In v11 the open of a device goes on when the notifier of its driver could not be registered: it is printed, and no more.
 * User space has its device, and learns that it is of no use when the first page is to be pinned. So it comes on a
 * container whose back end has no notifiers, as that of sPAPR, and whenever the group is on its way off the container.
 *
 * A driver that registers itself has its own open fail.
 */
import { ENOTTY } from '../../actors/vfio/errno.ts';
import type { VfioDevice } from '../../machines/vfio/v4.19/index.ts';
import { defineScenario, local, type View, variant } from '../../src/index.ts';
import { calls, type Design, objects, type Vm } from './setup/v11.ts';
import { onContainer } from './setup/vgpu.ts';

const opened = local<VfioDevice | number>('opened');
const pinned = local<number>('pinned');

const threads = (vm: Vm, design: Design, hasNotifiers: boolean) => {
  const user = calls(vm, design, hasNotifiers);
  return { user: [user.open.into(opened), user.pin.ifOk(opened).into(pinned)] };
};

interface Its {
  readonly mdev: { readonly driver_data: { readonly value: { readonly at: string } } };
  readonly result: View<typeof objects>['result'];
}
const atEnd = {
  'who has the device open can pin': ({ mdev, result }: Its) => mdev.driver_data.value.at === 'NULL' || result(pinned) === 1,
};

export default defineScenario({
  name: 'notifier-refused',
  summary: 'A device is opened though nobody will tell its driver of unmaps, and every pin fails',
  source: 'mdev series v11, "Added notifier callback function to mdev parent\'s ops"',
  covers: ['G-9'],
  tags: ['seed-001'],
  variants: {
    v11: variant({
      objects,
      start: onContainer,
      threads: (vm) => threads(vm, 'v11', false),
      atEnd: {
        ...atEnd,
        'the open says nothing of it': ({ result }) => typeof result(opened) === 'object' && result(pinned) === -ENOTTY,
      },
      expect: [{ kind: 'end-state', object: 'mdev.driver_data' }],
    }),
    'v4.10': variant({
      summary: 'The driver registers itself, and its open fails.',
      objects,
      start: onContainer,
      threads: (vm) => threads(vm, 'registers-itself', false),
      atEnd: { ...atEnd, 'the open fails': ({ result }) => result(opened) === -ENOTTY },
      leaks: {
        'group.container_users': ({ group }) => group.container_users.n - 1,
        'vfio_mdev.owner': ({ vfio_mdev }) => vfio_mdev.owner.refcnt - 1,
        session: ({ all }) => all('session').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
    'v11-type1': variant({
      summary: 'On type1 the notifier is registered.',
      objects,
      start: onContainer,
      threads: (vm) => threads(vm, 'v11', true),
      atEnd: { ...atEnd, 'the open does not fail': ({ result }) => typeof result(opened) === 'object' },
      expect: [],
    }),
  },
});
