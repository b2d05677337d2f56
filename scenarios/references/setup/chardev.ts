/** A driver with one device: users find it on a list, under a lock, and take a reference to it. */
import { completion, globals, type HandleTo, list_head, list_node, mutex, refcount, struct } from '../../../actors/primitives.ts';

export const driver = globals('driver', { lock: mutex(), devices: list_head(['device']) });
export interface Driver extends HandleTo<typeof driver> {}

/** The first reference is that of its registration. */
export const device = struct('device', {
  refs: refcount(1),
  entry: list_node({ on: 'driver.devices' }),
  released: completion(),
});
export interface Device extends HandleTo<typeof device> {}

export const objects = { driver, device };
