/** Where a scenario of the RFC begins: what `start` says of groups and devices that are there already. */
import type { Json } from '../../object.ts';
import { defaultName } from './vfio.ts';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** The names are those that the scenario gives its objects; the globals are called `vfio`. */
export interface DeviceStart {
  readonly device: string;
  readonly dev: string;
  /** dev_name(): that of all others if it is left out, and they all clash. */
  readonly name?: string;
}

/** A device that is registered, with a node of that number if it has one. */
export interface RegisteredStart extends DeviceStart {
  readonly minor?: number;
}

/** A group with registered devices, closed unless it is `opened`, and then on the container if one is named. */
export interface GroupStart {
  readonly group: string;
  readonly iommu_group: string;
  readonly minor?: number;
  readonly devices: readonly RegisteredStart[];
  readonly opened?: boolean;
  readonly container?: string;
}

const at = (name: string) => ({ value: { at: name } });
const all = (starts: readonly Start[]): Start => Object.assign({}, ...starts);

/** What `start` says of an IOMMU group and the devices in it, also of such as VFIO does not know. */
export const inIommuGroup = (group: string, ...devs: readonly string[]): Start => ({
  [`${group}.devices`]: { entries: devs },
  ...all(devs.map((dev) => ({ [`${dev}.iommu_group`]: at(group), [`${dev}.group_device`]: { on: `${group}.devices` } }))),
});

/** What it says of a back end whose module is loaded. */
export const loaded = (driver: string): Start => ({ 'vfio.iommu_drivers_list': { entries: [driver] } });

/** What it says of devices that a driver has allocated and passed to vfio_init_group_dev(). */
export const initialised = (...devices: readonly DeviceStart[]): Start =>
  all(
    devices.map(({ device: name, dev, name: spelled }) => ({
      [`${name}.dev`]: at(dev),
      [`${dev}.name`]: { value: spelled ?? defaultName },
    })),
  );

const registeredDevice = (driver: string, start: RegisteredStart, group?: string): Start => ({
  ...initialised(start),
  [`${start.dev}.driver`]: at(driver),
  [`${start.device}.refcount`]: { n: 1 },
  [`${start.device}.chart`]: { initially: 'registered' },
  [`${start.device}.minor`]: { value: start.minor ?? -1 },
  ...(start.minor === undefined ? {} : { [`${start.device}.vfio_next`]: { on: 'vfio.device_list' } }),
  ...(group === undefined
    ? {}
    : { [`${start.device}.group`]: at(group), [`${start.device}.group_next`]: { on: `${group}.device_list` } }),
});

const openedGroup = (group: string): Start => ({
  [`${group}.opened`]: { value: 1 },
  [`${group}.chart`]: { initially: 'opened' },
});

const attachedGroup = (group: string, container: string): Start => ({
  [`${group}.container`]: at(container),
  [`${group}.container_users`]: { n: 1 },
  [`${group}.users`]: { attached: 1 },
  [`${group}.container_next`]: { on: `${container}.group_list` },
  [`${group}.chart`]: { initially: 'attached' },
  [`${container}.kref`]: { n: 2 },
  [`${container}.group_list`]: { entries: [group] },
  [`${container}.chart`]: { initially: 'attached', groups: 1 },
});

const registeredGroup = (driver: string, start: GroupStart): Start => ({
  ...all(start.devices.map((device) => registeredDevice(driver, device, start.group))),
  [`${start.group}.kref`]: { n: start.devices.length + (start.opened ? 1 : 0) },
  [`${start.group}.minor`]: { value: start.minor ?? 0 },
  [`${start.group}.iommu_group`]: at(start.iommu_group),
  [`${start.group}.vfio_next`]: { on: 'vfio.group_list' },
  [`${start.group}.device_list`]: { entries: start.devices.map(({ device: name }) => name) },
  [`${start.group}.dev_counter`]: { value: start.devices.length },
  [`${start.group}.chart`]: { initially: 'listed' },
  ...(start.opened ? openedGroup(start.group) : {}),
  ...(start.container === undefined ? {} : attachedGroup(start.group, start.container)),
  // One for the devices in it, one for the vfio_group.
  [`${start.iommu_group}.devices_kobj`]: { n: 2 },
  [`${start.iommu_group}.notifier_head`]: { blocks: [`${start.group}.nb`] },
});

/** What it says of devices that are registered: those of groups, and those that have a node and no group. */
export const registered = (
  driver: string,
  { groups = [], devices = [] }: { readonly groups?: readonly GroupStart[]; readonly devices?: readonly RegisteredStart[] },
): Start => {
  const nodes = [...groups.flatMap((group) => group.devices), ...devices].flatMap(({ minor, ...start }) =>
    minor === undefined ? [] : [{ ...start, minor }],
  );
  return {
    ...all(groups.map((group) => registeredGroup(driver, group))),
    ...all(devices.map((start) => registeredDevice(driver, start))),
    'vfio.group_list': { entries: groups.map(({ group }) => group) },
    'vfio.group_idr': { entries: Object.fromEntries(groups.map(({ group, minor }) => [minor ?? 0, { at: group }])) },
    'vfio.class': { nodes: Object.fromEntries(groups.map(({ iommu_group: name, minor }) => [minor ?? 0, name])) },
    'vfio.device_list': { entries: nodes.map(({ device: name }) => name) },
    'vfio.device_idr': { entries: Object.fromEntries(nodes.map(({ device: name, minor }) => [minor, { at: name }])) },
    'vfio.device_class': { nodes: Object.fromEntries(nodes.map(({ minor, name }) => [minor, name ?? defaultName])) },
  };
};

/** What it says, on top of `registered`, of the container of an opened group on which SET_IOMMU has succeeded. */
export const iommuSet = (container: string, driver: string): Start => ({
  [`${container}.iommu_driver`]: at(driver),
  [`${container}.chart`]: { initially: 'iommu_set', groups: 1 },
  [`${driver}.owner`]: { refcnt: 2 },
});
