/** A driver of VFIO that switches its device on in its open, and off in its close, and needs it on for whatever else it is asked. */
import { load, store } from '../../../actors/sync/memory.ts';
import type { Operation } from '../../../actors/step.ts';
import * as v6_6 from '../../../actors/vfio/v6.6/index.ts';
import { EIO } from '../../../actors/vfio/errno.ts';
import { globals, type HandleTo } from '../../../machines/object.ts';
import { field } from '../../../machines/sync/field.ts';

/** The PCI device, as far as its driver notes it. */
export const pdev = globals('pci_dev', { enabled: field<boolean>(false) });
interface PciDev extends HandleTo<typeof pdev> {}

export const driverOf = ({ enabled }: PciDev): v6_6.VfioDeviceOps => {
  function* use(): Operation<number> {
    return (yield* load(enabled)) ? 0 : -EIO;
  }
  return {
    ...v6_6.vfio_device_ops,
    *open_device() {
      yield* store(enabled, true);
      return 0;
    },
    *close_device() {
      yield* store(enabled, false);
    },
    ioctl: use,
    read: use,
  };
};
