/**
 * Three locks in a ring, no two of which are ever taken in both orders: who sets up interrupts has the igate and wants the
 * memory_lock, who resets has that and wants the semaphore of the bus, and who reports an error has that and wants the
 * igate, to read the eventfd by which the user is told.
 *
 * The fix reads that eventfd under RCU. That takes one edge out of the ring.
 */
import type { Operation } from '../../actors/step.ts';
import { load, READ_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { rcu_read_lock, rcu_read_unlock } from '../../actors/sync/rcu.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rcu_state } from '../../machines/sync/rcu.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { call, defineScenario, variant } from '../../src/index.ts';

const vdev = struct('vfio_pci_core_device', { igate: mutex(), memory_lock: rwsem(), err_trigger: field<boolean>(true) });
interface Vdev extends HandleTo<typeof vdev> {}
const pci = globals('pci', { bus_sem: rwsem(), rcu: rcu_state() });
type Pci = HandleTo<typeof pci>;

/** drivers/vfio/pci/vfio_pci_intrs.c: memory has to be enabled while vectors are set. */
function* vfio_pci_set_irqs_ioctl(vdev: Vdev): Operation {
  yield* mutex_lock(vdev.igate);
  yield* down_read(vdev.memory_lock);
  yield* up_read(vdev.memory_lock);
  yield* mutex_unlock(vdev.igate);
}

/** drivers/vfio/pci/vfio_pci_core.c: nobody gets at the memory while the bus is reset. */
function* vfio_pci_dev_set_hot_reset(vdev: Vdev, pci: Pci): Operation {
  yield* down_write(vdev.memory_lock);
  yield* down_read(pci.bus_sem);
  yield* up_read(pci.bus_sem);
  yield* up_write(vdev.memory_lock);
}

/** drivers/pci/pcie/err.c: each device below the bridge is told. */
function* pci_walk_bus(vdev: Vdev, pci: Pci, error_detected: (vdev: Vdev, pci: Pci) => Operation): Operation {
  yield* down_read(pci.bus_sem);
  yield* error_detected(vdev, pci);
  yield* up_read(pci.bus_sem);
}

function* vfio_pci_core_aer_err_detected(vdev: Vdev): Operation {
  yield* mutex_lock(vdev.igate);
  yield* load(vdev.err_trigger);
  yield* mutex_unlock(vdev.igate);
}

function* err_detected_under_rcu(vdev: Vdev, { rcu }: Pci): Operation {
  yield* rcu_read_lock(rcu);
  yield* READ_ONCE(vdev.err_trigger);
  yield* rcu_read_unlock(rcu);
}

const design = (error_detected: (vdev: Vdev, pci: Pci) => Operation) => ({
  objects: { vdev, pci },
  threads: ({ vdev, pci }: { vdev: Vdev; pci: Pci }) => ({
    user: [call(vfio_pci_set_irqs_ioctl, vdev)],
    reset: [call(vfio_pci_dev_set_hot_reset, vdev, pci)],
    aer: [call(pci_walk_bus, vdev, pci, error_detected)],
  }),
});

export default defineScenario({
  name: 'igate-memory-bus',
  summary: 'Interrupt set-up, reset and error reporting of vfio-pci take three locks in a ring',
  source: '98693e0897f7, v6.19',
  covers: [],
  tags: ['locking'],
  variants: {
    'v6.18': variant({
      ...design(vfio_pci_core_aer_err_detected),
      summary: 'Readers of the bus do not hold each other up: nothing hangs as long as nobody writes to it.',
      expect: [{ kind: 'lock-order', object: 'pci.bus_sem', between: ['mutex_lock', 'down_read'] }],
    }),
    'v6.18-hotplug': variant({
      objects: { vdev, pci },
      summary: 'A device comes or goes meanwhile: who waits to write to the bus holds off who would read it.',
      threads: ({ vdev, pci }) => ({
        ...design(vfio_pci_core_aer_err_detected).threads({ vdev, pci }),
        hotplug: [call(pci_bus_add_device, pci)],
      }),
      expect: [
        { kind: 'deadlock', object: 'vdev.memory_lock' },
        { kind: 'lock-order', object: 'pci.bus_sem', between: ['mutex_lock', 'down_read'] },
      ],
    }),
    'v6.19': variant({
      ...design(err_detected_under_rcu),
      sometimes: { 'the user waits for the reset': ({ blocked }) => blocked('user') },
      expect: [],
    }),
  },
});

function* pci_bus_add_device({ bus_sem }: Pci): Operation {
  yield* down_write(bus_sem);
  yield* up_write(bus_sem);
}
