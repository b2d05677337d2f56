/** Where a scenario of v6.6 begins: what `start` says of groups and devices that are there already. */
import type { Cdev } from '../../driver-core/char-dev.ts';
import type { Json } from '../../object.ts';
import { deviceDevt, groupDevt } from './vfio.ts';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** The names are those that the scenario gives its objects; the globals are called `vfio`. */
export interface DeviceStart {
  readonly device: string;
  readonly dev: string;
  readonly dev_set: string;
  readonly driver: string;
  readonly index?: number;
}
export interface GroupStart {
  readonly group: string;
  readonly iommu_group: string;
  readonly minor?: number;
  readonly devices: readonly DeviceStart[];
  /** Devices of the IOMMU group that have no driver. */
  readonly others?: readonly string[];
  /** Its file is open, and on a container on which SET_IOMMU has succeeded. */
  readonly opened?: { readonly file: string; readonly container: string };
}

const at = (name: string) => ({ value: { at: name } });
const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const indices = (devices: readonly DeviceStart[]) => ({ ids: ascending(devices.map(({ index }) => index ?? 0)) });

/** What `start` says of an IOMMU group and the devices in it. */
export const in_iommu_group = (of: string, ...devs: readonly string[]): Start => ({
  [`${of}.devices_kobj`]: { n: devs.length },
  ...Object.fromEntries(devs.map((dev) => [`${dev}.iommu_group`, at(of)])),
});

const sets = (devices: readonly DeviceStart[]): Start =>
  Object.fromEntries(
    devices.map(({ dev_set }) => [
      `${dev_set}.device_list`,
      { entries: devices.filter((other) => other.dev_set === dev_set).map(({ device: name }) => name) },
    ]),
  );

const allocatedDevice = ({ device: name, dev, dev_set, driver, index }: DeviceStart): Start => ({
  [`${dev}.driver`]: at(driver),
  [`${dev}.driver_data`]: at(name),
  [`${name}.dev`]: at(dev),
  [`${name}.index`]: { value: index ?? 0 },
  [`${name}.dev_set`]: at(dev_set),
  [`${name}.dev_set_list`]: { on: `${dev_set}.device_list`, initialised: true },
});

/** What `start` says of devices in one IOMMU group whose drivers are in their probe, and about to register them. */
export const allocated = (of: string, ...devices: readonly DeviceStart[]): Start => ({
  ...Object.assign({}, ...devices.map(allocatedDevice)),
  ...in_iommu_group(of, ...devices.map(({ dev }) => dev)),
  ...sets(devices),
  'vfio.device_ida': indices(devices),
});

const addedDevice = (name: string): Start => ({
  [`${name}.kobj`]: { n: 2 },
  [`${name}.entry`]: { on: 'vfio.devices_kset', initialised: true },
  [`${name}.sd`]: { present: true },
  [`${name}.p`]: { p: 'live' },
});
const addedCdev = (devt: string): Cdev => ({ refs: 1, mapped: 1, i_cdev: null, node: true, devt });

const registeredDevice = (group: string, start: DeviceStart): Start => ({
  ...allocatedDevice(start),
  ...addedDevice(start.device),
  [`${start.device}.refcount`]: { n: 1 },
  [`${start.device}.group`]: at(group),
  [`${start.device}.group_next`]: { on: `${group}.device_list`, initialised: true },
  [`${start.device}.chart`]: { initially: 'registered' },
});

const registeredGroup = ({ group, iommu_group: of, minor, devices, others = [], opened }: GroupStart): Start => ({
  ...Object.assign({}, ...devices.map((start) => registeredDevice(group, start))),
  ...in_iommu_group(of, ...devices.map(({ dev }) => dev), ...others),
  // One for each device in it, one for the vfio_group.
  [`${of}.devices_kobj`]: { n: devices.length + others.length + 1 },
  ...addedDevice(group),
  [`${group}.minor`]: { value: minor ?? 0 },
  [`${group}.drivers`]: { n: devices.length },
  [`${group}.iommu_group`]: at(of),
  [`${group}.vfio_next`]: { on: 'vfio.group_list', initialised: true },
  [`${group}.device_list`]: { entries: devices.map(({ device: name }) => name) },
  ...(opened === undefined ? {} : openedGroup(group, of, opened)),
});

const openedGroup = (group: string, of: string, { file: name, container }: NonNullable<GroupStart['opened']>): Start => ({
  [`${group}.opened_file`]: at(name),
  [`${group}.container`]: at(container),
  [`${group}.container_users`]: { value: 1 },
  [`${group}.container_next`]: { on: `${container}.group_list`, initialised: true },
  [`${group}.chart`]: { initially: 'open' },
  [`${of}.owner`]: at(group),
  [`${of}.owner_cnt`]: { value: 1 },
  [`${of}.dma`]: { claims: { [of]: group } },
  [`${container}.kref`]: { n: 2 },
  [`${container}.group_list`]: { entries: [group] },
  [`${container}.iommu_driver`]: { value: true },
  [`${container}.chart`]: { initially: 'iommu_set', groups: 1 },
});

/** What `start` says of groups all of whose devices are registered, and closed. */
export const registered = (...groups: readonly GroupStart[]): Start => {
  const devices = groups.flatMap((group) => group.devices);
  const nodes = groups.flatMap(({ group, minor, opened, devices: inIt }): [string, Cdev][] => [
    [group, { ...addedCdev(groupDevt(minor ?? 0)), ...(opened === undefined ? {} : { refs: 2, i_cdev: group }) }],
    ...inIt.map(({ device: name, index }): [string, Cdev] => [name, addedCdev(deviceDevt(index ?? 0))]),
  ]);
  return {
    ...Object.assign({}, ...groups.map(registeredGroup)),
    ...sets(devices),
    'vfio.device_ida': indices(devices),
    'vfio.group_ida': { ids: ascending(groups.map(({ minor }) => minor ?? 0)) },
    'vfio.group_list': { entries: groups.map(({ group }) => group) },
    'vfio.devices_kset': { entries: nodes.map(([name]) => name) },
    'vfio.chrdevs': { cdevs: Object.fromEntries(nodes.toSorted(([a], [b]) => (a < b ? -1 : 1))) },
  };
};
