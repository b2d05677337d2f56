/** A probe in the course of which a call fails for want of memory. */
import { choose, type Operation } from '../../../actors/step.ts';
import { ENOMEM } from '../../../actors/vfio/errno.ts';
import { changedBy } from './changed-by.ts';

/** A step of its own, so that the trace has it. */
function* fails(call: string): Operation<number> {
  yield* choose(`${call}()`, 'no memory');
  return -ENOMEM;
}

/** @param driver a driver as the driver core of either era knows it */
export const outOfMemory = <D, T extends { readonly probe: (dev: D) => Operation<number> }>(
  call: string,
  driver: T & { readonly probe: (dev: D) => Operation<number> },
): T => ({
  ...driver,
  probe: (dev: D) => changedBy(({ event: { type } }) => (type === call ? fails(call) : null), driver.probe(dev)),
});
