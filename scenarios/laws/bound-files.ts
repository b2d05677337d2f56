/** What holds of the files of devices, by their own nodes or by their group, and of what the group is blocked by. */

import type { Laws } from './named.ts';

export interface Group {
  readonly cdev_device_open_cnt: { readonly value: number };
  readonly opened_file: { readonly value: { readonly at: string } };
}
export interface Device {
  readonly open_count: { readonly value: number };
  readonly cdev_opened: { readonly value: boolean };
}
export interface DeviceFile {
  readonly freed: boolean;
  readonly device: { readonly value: { readonly at: string } };
  readonly group: { readonly value: { readonly at: string } };
  readonly chart: { readonly state: string };
}
type Of<G extends string, D extends string> = { readonly [K in G]: Group } & { readonly [K in D]: Device };

/** Until the last close begins. */
const hasAccess = ({ freed, chart }: DeviceFile) => !freed && chart.state === 'granted';
const ofCdev = ({ group }: DeviceFile) => group.value.at === 'NULL';

/** Each access comes with a device that is open, and each bound cdev with a group that is blocked. For `always`. */
export const boundFiles = <G extends string, D extends string, V extends Of<G, D>>(
  group: G,
  devices: readonly D[],
  filesOf: (view: V) => readonly DeviceFile[],
): Laws<V> => {
  const withAccess = (view: V, device: D) => filesOf(view).filter((file) => hasAccess(file) && file.device.value.at === device);
  const all = (holds: (view: V, device: D) => boolean) => (view: V) => devices.every((device) => holds(view, device));
  return {
    'who has access has an open device': all((view, device) => withAccess(view, device).length <= view[device].open_count.value),
    'a device is bound by one file': all((view, device) => withAccess(view, device).filter(ofCdev).length <= 1),
    'the group is blocked for each device that is bound': (view) =>
      devices.filter((device) => view[device].cdev_opened.value).length <= view[group].cdev_device_open_cnt.value,
    'the group is open by its own file or by cdevs': (view) =>
      view[group].opened_file.value.at === 'NULL' || view[group].cdev_device_open_cnt.value === 0,
  };
};

/** When no bind is under way: it is blocked by the bound files alone. For `atEnd`. */
export const blockedByBoundFiles = <G extends string, V extends { readonly [K in G]: Group }>(
  group: G,
  filesOf: (view: V) => readonly DeviceFile[],
): Laws<V> => ({
  'cdev_device_open_cnt is the number of bound files': (view) =>
    view[group].cdev_device_open_cnt.value === filesOf(view).filter((file) => hasAccess(file) && ofCdev(file)).length,
});
