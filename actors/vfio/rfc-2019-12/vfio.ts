/**
 * drivers/vfio/vfio.c, v5.4: the file of a device, and the calls of user space on it.
 *
 * A read, a write or an ioctl keeps the file open while it runs, and its release is the last that happens to it.
 *
 * Left out: groups, containers and the registration of devices, which the mediate ops do not touch.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { DeviceFile, Process, VfioPciDevice } from '../../../machines/vfio/rfc-2019-12/index.ts';
import { isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { fget, fput } from '../../sync/file.ts';
import { WRITE_ONCE } from '../../sync/memory.ts';
import { EBADF } from '../errno.ts';
import type { Access, VfioPciDriver } from './mediate_ops.ts';
import { vfio_pci_open, vfio_pci_release, vfio_pci_rw } from './vfio_pci.ts';

const release = (driver: VfioPciDriver, vdev: VfioPciDevice) => () => vfio_pci_release(driver, vdev);

/** VFIO_GROUP_GET_DEVICE_FD */
export function* get_device_fd(
  driver: VfioPciDriver,
  vdev: VfioPciDevice,
  file: DeviceFile,
  process: Process,
): Operation<number> {
  const ret = yield* vfio_pci_open(driver, vdev);
  if (ret !== 0) return ret;
  yield* WRITE_ONCE<DeviceFile | Null>(process.fd, file);
  return 0;
}

/** read(2) and write(2) */
export function* access(driver: VfioPciDriver, vdev: VfioPciDevice, process: Process, of: Access): Operation<number> {
  const file = yield* fget(process.fd);
  if (isNull(file)) return -EBADF;
  const ret = yield* vfio_pci_rw(driver, vdev, of);
  yield* fput(file.f_count, release(driver, vdev));
  return ret;
}

/** close(2) */
export function* close(driver: VfioPciDriver, vdev: VfioPciDevice, process: Process, file: DeviceFile): Operation {
  yield* WRITE_ONCE<DeviceFile | Null>(process.fd, NULL);
  yield* fput(file.f_count, release(driver, vdev));
}
