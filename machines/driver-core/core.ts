import { kref } from '../sync/kref.ts';
import { list_node } from '../sync/list.ts';
import { mutex } from '../sync/mutex.ts';
import { devicePrivate } from './device-private.ts';
import { sysfsDir } from './sysfs.ts';

/** A struct device inside another struct, as device_initialize() leaves it. */
export const embeddedDevice = () => ({
  kobj: kref(),
  /** kobj.entry, on the list of devices_kset */
  entry: list_node({ initialised: true }),
  sd: sysfsDir(),
  mutex: mutex({ novalidate: true }),
  p: devicePrivate(),
});
