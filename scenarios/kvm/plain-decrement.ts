/**
 * A call by a driver that is refused takes back its use of the container just when its real users have gone, and the group
 * stays on the container for ever.
 *
 * vfio_pin_pages() finds the group by the device, so that no file keeps it open, and counts itself a user before it looks
 * whether the group is viable. While a driver of the host probes another device of the group it is not. The user closes the
 * device and the group meanwhile: neither is the last, since the call is counted. Then the call takes its own use back with
 * atomic_dec(), and nobody notices that it comes to 0: group->container stays, each open of the group is -EBUSY, and the
 * container, its back end and what is mapped there are never freed.
 *
 * By a file this cannot happen, as the file that is looked at delays the release of the group. v5.19 did away with the count:
 * a driver may pin only while its device is open. The neighbour keeps it, and takes it back as every other user does.
 */
import { device_driver_attach } from '../../actors/vfio/rfc-2021-09/dd.ts';
import type { Core } from '../../actors/vfio/v4.19/ops.ts';
import { vfio_pin_pages } from '../../actors/vfio/v4.19/vfio.ts';
import {
  closeGroup,
  vfio_device_fops_release,
  vfio_fops_release,
  vfio_group_add_container_user,
  vfio_group_try_dissolve_container,
} from '../../actors/vfio/v4.19/vfio-fops.ts';
import { iommuGroupNotifiers } from '../../actors/vfio/v4.19/vfio-notifier.ts';
import { EINVAL, ENODEV } from '../../actors/vfio/errno.ts';
import * as structs from '../../machines/vfio/v4.19/vfio.ts';
import { call, defineScenario, local, type Variant, variant, type View } from '../../src/index.ts';
import * as base from './setup/v4.19.ts';

const pinned = local<number>('pinned');

const objects = { ...base.objects, host: structs.device_driver, sibling: structs.device };
type Objects = typeof objects;

/** The device is open, too. */
const start = {
  ...base.startWith({ dev: 'device' }, 'sibling'),
  'group.container_users': { n: 2 },
  'group.kref': { n: 3 },
  'device.kref': { n: 2 },
  'device.files': { n: 1 },
  'host.name': { value: 'e1000e' },
};

type AddUser = (core: Core, group: structs.VfioGroup) => ReturnType<typeof vfio_group_add_container_user>;

const dissolves: AddUser = (core, group) =>
  vfio_group_add_container_user(core, group, undefined, (it) => vfio_group_try_dissolve_container(core, it));

const design = (addUser: AddUser, rest: Pick<Variant, 'expect'> & { readonly summary: string }): Variant =>
  variant({
    ...rest,
    objects,
    start,
    threads: (of) => {
      const core = base.core(of);
      return {
        worker: [call(vfio_pin_pages, core, of.dev, [1], addUser).into(pinned)],
        user: [
          call(vfio_device_fops_release, core, of.device),
          call(closeGroup, core, of.fds),
          call(vfio_fops_release, core, of.container),
        ],
        admin: [
          call(
            device_driver_attach,
            // It finds that the device is none of its own.
            {
              driver: of.host,
              *probe() {
                return -ENODEV;
              },
              *remove() {},
            },
            of.sibling,
            iommuGroupNotifiers(core, {}),
          ),
        ],
      };
    },
    sometimes: {
      'the call is refused': ({ result }) => result(pinned) === -EINVAL,
      'it is the last that is counted': ({ group, ended }: View<Objects>) => ended('user') && group.container_users.n === 1,
      'it pins': ({ result }) => result(pinned) === 1,
    },
    atEnd: { 'the group is on no container': ({ group }) => group.freed || group.container.value.at === 'NULL' },
    leaks: {
      container: ({ container }) => (container.freed ? 0 : container.kref.n),
      'type1.owner': ({ type1 }) => type1.owner.refcnt - 1,
    },
  });

export default defineScenario({
  name: 'plain-decrement',
  summary: 'A pin that is refused is the last user of a container, and leaves the group on it for ever',
  assumes: 'A driver pins by its device in a group that has another device, and still does while the device is closed.',
  source: 'drivers/vfio/vfio.c, v4.10 to v5.6',
  covers: ['X-15', 'D-28'],
  tags: ['seed-004', 'seed-001'],
  variants: {
    'v4.19': design(vfio_group_add_container_user, {
      summary: 'Who is refused takes its use back with atomic_dec().',
      expect: [
        { kind: 'leak', object: 'container' },
        { kind: 'leak', object: 'type1.owner' },
        { kind: 'end-state', object: 'group' },
      ],
    }),
    dissolves: design(dissolves, { summary: 'It takes it back as all others do, and dissolves if it was the last.', expect: [] }),
  },
});
