/**
 * group->container_users counts the group's own use of its container, each open device file, and each external user; and
 * while it counts anybody, there is a container. From v3.6 to v5.18 it is an atomic that no lock covers, from v5.19 on a
 * plain number under the lock of the group. One law for all of them: what differs is whether that lock is there.
 */
import { type ContainerUsers, usersOf } from '../../machines/vfio/container-users.ts';
import { type Laws, named } from './named.ts';

interface Pointer {
  readonly value: { readonly at: string };
}
export interface Group {
  readonly freed: boolean;
  readonly container: Pointer;
  readonly container_users: { readonly n: number } | { readonly value: number };
}
export interface Lock {
  readonly owner: string | null;
}

interface Use<V> {
  readonly group: (view: V) => Group;
  /** Who uses its container: the group's own ledger, or what the scenario knows of its calls. */
  readonly users: (view: V) => ContainerUsers;
  /** Those under which the pointer and the number change one after the other, where the era has any. */
  readonly locks?: (view: V) => readonly Lock[];
}

export const containerUsers = <V>({ group, users, locks = () => [] }: Use<V>): Laws<V> => {
  const isSettled = (view: V) => !group(view).freed && locks(view).every(({ owner }) => owner === null);
  const count = (view: V): number => {
    const { container_users } = group(view);
    return 'n' in container_users ? container_users.n : container_users.value;
  };
  return {
    'container_users is the attached group, the open devices and the external users': (view) =>
      !isSettled(view) || count(view) === usersOf(users(view)),
    'who uses a container has one': (view) => !isSettled(view) || count(view) === 0 || group(view).container.value.at !== 'NULL',
  };
};

type Noted<G extends string> = { readonly [K in G]: Group & { readonly users: ContainerUsers } };

/** Up to v5.18, by the ledger of the group. */
export const usersNoted = <G extends string>(group: G): Laws<Noted<G>> =>
  named(group, containerUsers({ group: (view) => view[group], users: (view) => view[group].users }));

export interface LockedGroup extends Group {
  readonly group_lock: Lock;
  readonly cdev_device_open_cnt: { readonly value: number };
}
export interface Device {
  readonly group: Pointer;
  readonly open_count: { readonly value: number };
}
type Locked<G extends string, D extends string> = { readonly [K in G]: LockedGroup } & { readonly [K in D]: Device };

/**
 * Since v5.19. No ghost follows it, and none is needed outside the lock: a device counts from its first open to its last
 * close, unless it was opened by its node, by which the group is blocked.
 *
 * @param outer locks within which that of the group is taken, perhaps more than once
 */
export const usersWithin = <G extends string, D extends string, V>(
  outer: (view: V) => readonly Lock[],
  group: G,
  ...devices: readonly D[]
): Laws<Locked<G, D> & V> => {
  const isOpen = ({ group: its, open_count }: Device) => its.value.at === group && open_count.value > 0;
  return named(
    group,
    containerUsers<Locked<G, D> & V>({
      group: ({ [group]: it }) => it,
      users: (view) => ({
        attached: view[group].container.value.at === 'NULL' ? 0 : 1,
        devices: view[group].cdev_device_open_cnt.value > 0 ? 0 : devices.filter((device) => isOpen(view[device])).length,
        external: 0,
      }),
      locks: (view) => [view[group].group_lock, ...outer(view)],
    }),
  );
};

export const usersUnderLock = <G extends string, D extends string>(group: G, ...devices: readonly D[]) =>
  usersWithin<G, D, object>(() => [], group, ...devices);
