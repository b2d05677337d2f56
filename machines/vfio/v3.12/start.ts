/** Where a scenario of v3.12 begins: what `start` says of groups and devices that are there already. */
import type { Json } from '../../object.ts';
import { type DeviceStart, inIommuGroup, iommuSet, loaded } from '../rfc-2021-09/start.ts';

export { loaded } from '../rfc-2021-09/start.ts';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** A group with devices that vfio-pci has bound, closed unless it is `opened`, and then on the container if one is named. */
export interface GroupStart {
  readonly group: string;
  readonly iommu_group: string;
  readonly minor?: number;
  readonly devices: readonly DeviceStart[];
  /** Devices of the IOMMU group that vfio-pci does not have. */
  readonly others?: readonly string[];
  readonly opened?: boolean;
  readonly container?: string;
}

const at = (name: string) => ({ value: { at: name } });
const all = (starts: readonly Start[]): Start => Object.assign({}, ...starts);

const boundDevice = (driver: string, group: string, { device: name, dev, name: spelled }: DeviceStart): Start => ({
  [`${name}.dev`]: at(dev),
  [`${name}.group`]: at(group),
  [`${name}.group_next`]: { on: `${group}.device_list` },
  [`${name}.chart`]: { initially: 'listed' },
  [`${dev}.driver`]: at(driver),
  [`${dev}.driver_data`]: at(name),
  ...(spelled === undefined ? {} : { [`${dev}.name`]: { value: spelled } }),
});

const openedGroup = (group: string): Start => ({ [`${group}.opened`]: { n: 1 }, [`${group}.chart`]: { initially: 'opened' } });

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

/** Its devices hold the IOMMU group for themselves, once more for vfio.c, and once more for vfio-pci. */
const boundGroup = (driver: string, start: GroupStart): Start => {
  const { group, iommu_group, minor = 1, devices, others = [] } = start;
  return {
    ...all(devices.map((device) => boundDevice(driver, group, device))),
    ...inIommuGroup(iommu_group, ...devices.map(({ dev }) => dev), ...others),
    [`${iommu_group}.devices_kobj`]: { n: 3 * devices.length + others.length },
    [`${iommu_group}.notifier_head`]: { blocks: [`${group}.nb`] },
    [`${group}.kref`]: { n: devices.length + (start.opened ? 1 : 0) },
    [`${group}.minor`]: { value: minor },
    [`${group}.iommu_group`]: at(iommu_group),
    [`${group}.vfio_next`]: { on: 'vfio.group_list' },
    [`${group}.device_list`]: { entries: devices.map(({ device: name }) => name) },
    [`${group}.chart`]: { initially: 'listed' },
    ...(start.opened ? openedGroup(group) : {}),
    ...(start.container === undefined ? {} : attachedGroup(group, start.container)),
  };
};

export const registered = (driver: string, ...groups: readonly GroupStart[]): Start => ({
  ...all(groups.map((group) => boundGroup(driver, group))),
  'vfio.group_list': { entries: groups.map(({ group }) => group) },
  'vfio.group_idr': { entries: Object.fromEntries(groups.map(({ group, minor }) => [minor ?? 1, { at: group }])) },
  'vfio.class': { nodes: Object.fromEntries(groups.map(({ minor }) => [minor ?? 1, `${minor ?? 1}`])) },
});

/** What it says, on top of `registered`, of an opened group on a container on which SET_IOMMU has succeeded. */
export const ready = (driver: string, backend: string, group: GroupStart & { readonly container: string }): Start => ({
  ...loaded(backend),
  ...registered(driver, { ...group, opened: true }),
  ...iommuSet(group.container, backend),
});
