/**
 * The ledger of group->container_users: for whom it counts, up to v5.18. A ghost, as the charts are: it moves in the step
 * in which the counter does, and no kernel code reads it.
 *
 * A group is attached once however often it is counted so, and who was never counted cannot leave: where the code does
 * either, the two part.
 */
import { assign } from 'xstate';
import { done, part, setupObject } from '../object.ts';
import type { Chart } from './charts.ts';

export type ContainerUser =
  | 'attached'
  /** UNSET_CONTAINER: only where the group's own use is the last. */
  | 'unset'
  | 'group_closed'
  | 'device_opened'
  | 'device_closed'
  /** Only where somebody else is counted already. */
  | 'external_got'
  | 'external_put';

export interface ContainerUsers {
  readonly attached: number;
  readonly devices: number;
  readonly external: number;
}

export const usersOf = ({ attached, devices, external }: ContainerUsers): number => attached + devices + external;

type Change = (users: ContainerUsers) => ContainerUsers;
const less = (n: number): number => Math.max(0, n - 1);
const changes: { readonly [user in ContainerUser]: Change } = {
  attached: (users) => ({ ...users, attached: 1 }),
  unset: (users) => (usersOf(users) === 1 ? { ...users, attached: 0 } : users),
  group_closed: (users) => ({ ...users, attached: 0 }),
  device_opened: (users) => ({ ...users, devices: users.devices + 1 }),
  device_closed: (users) => ({ ...users, devices: less(users.devices) }),
  external_got: (users) => (usersOf(users) === 0 ? users : { ...users, external: users.external + 1 }),
  external_put: (users) => ({ ...users, external: less(users.external) }),
};

const most = 64;

const machine = setupObject<ContainerUsers, Chart<ContainerUser>>().createMachine({
  id: 'container_users',
  context: ({ input }) => input,
  on: Object.fromEntries(
    Object.entries(changes).map(([user, change]) => [user, { actions: [assign(({ context }) => change(context)), done] }]),
  ),
});

export const containerUsers = () =>
  part<Chart<ContainerUser>, ContainerUsers>(
    machine,
    { attached: 0, devices: 0, external: 0 },
    { range: (users) => usersOf(users) <= most },
  );
