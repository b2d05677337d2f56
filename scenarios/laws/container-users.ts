/**
 * group->container_users counts the group's own use of its container, each open device file, and each external user; and
 * while it counts anybody, there is a container. From v3.6 to v5.18 it is an atomic that no lock covers, from v5.19 on a
 * plain number under the lock of the group. One law for all of them: what differs is whether that lock is there.
 */
import { type ContainerUsers, usersOf } from '../../machines/vfio/container-users.ts';

interface Group {
  readonly freed: boolean;
  readonly container: { readonly value: { readonly at: string } };
  readonly container_users: { readonly n: number } | { readonly value: number };
}

interface Use<V> {
  readonly group: (view: V) => Group;
  /** Who uses its container: the group's own ledger, or what the scenario knows of its calls. */
  readonly users: (view: V) => ContainerUsers;
  /** The lock under which the pointer and the number change one after the other, where the era has one. */
  readonly lock?: (view: V) => { readonly owner: string | null };
}

export const containerUsers = <V>({ group, users, lock }: Use<V>): { readonly [law: string]: (view: V) => boolean } => {
  const isSettled = (view: V) => !group(view).freed && (lock === undefined || lock(view).owner === null);
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
