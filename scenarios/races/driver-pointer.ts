/**
 * Before it hands out a device, VFIO asks of every device in the group whether its driver can harm. It reads dev->driver
 * with READ_ONCE() and without the lock of that device, under which the driver core stores it, plainly, in each probe.
 *
 * By the kernel's own definition that is a data race, as one of the two accesses is plain, and it is one in v5.14. It is
 * no harm that anybody has shown: the pointer is one aligned word, what it points to is a driver that stays as long as it
 * is bound to somebody, and an answer that is old at once would be old with a lock, too, as the lock cannot be kept until
 * the file is closed. KCSAN as it is configured by default is silent. What was left to mend was the store: the driver core
 * marks it since device_set_driver(), for another reader that has no lock, the uevent.
 */
import { store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { worker_thread } from '../../actors/sync/work.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, daemon, defineScenario, type Expectation, variant } from '../../src/index.ts';
import { rfcSibling, SIBLING } from '../register-rfc/setup/with-sibling.ts';

const design = (summary: string, set: typeof store, ...expect: readonly Expectation[]) =>
  variant({
    summary,
    objects: { ...rfcSibling.objects, workqueues: inRfc.workqueues, put_work: pool(inRfc.vfio_group_put_work) },
    start: rfcSibling.start(),
    threads: ({ vfio, vfio_pci, group, device, dev, unbound, put_work, workqueues: { system_wq } }) => {
      const driver = rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_GROUP, { vfio_unbound_dev: unbound });
      const callbacks = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
      return {
        admin: [call(rfc.device_driver_attach, driver, dev, callbacks, set)],
        user: [call(rfc.vfio_group_get_device_fd, vfio, group, SIBLING)],
        kworker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
      };
    },
    races: true,
    expect,
  });

export default defineScenario({
  name: 'driver-pointer',
  summary: 'VFIO reads the driver of a device without the lock under which the driver core stores it',
  assumes: 'The user has the group on a container, and asks for one device while another is bound to vfio-pci.',
  source: 'drivers/vfio/vfio.c vfio_dev_viable() and drivers/base/dd.c really_probe(), v5.14',
  covers: [],
  tags: ['races'],
  variants: {
    'v5.14': design('As it is in v5.14: a plain store.', store, {
      kind: 'data-race',
      object: 'dev.driver',
      between: ['load', 'store'],
    }),
    'marked-store': design('The driver core stores it with WRITE_ONCE().', WRITE_ONCE),
  },
});
