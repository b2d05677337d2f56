/**
 * A read of device memory holds the memory_lock for reading while it copies to the user. Where the user's buffer is a mapping of
 * the same device, the copy faults, and the fault takes the lock for reading again. That goes well until a writer queues
 * in between: who comes to read after it waits for it, and it waits for who reads.
 *
 * The fix holds the lock around each access to the device, and not around the copy.
 */
import type { Operation } from '../../actors/step.ts';
import { load } from '../../actors/sync/memory.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { call, defineScenario, type Expectation, variant } from '../../src/index.ts';

const vdev = struct('vfio_pci_core_device', { memory_lock: rwsem(), bar: field<number>(0) });
type Vdev = HandleTo<typeof vdev>;

function* vfio_pci_mmap_fault({ memory_lock }: Vdev): Operation {
  yield* down_read(memory_lock);
  yield* up_read(memory_lock);
}

/** drivers/vfio/pci/vfio_pci_rdwr.c, v5.8. */
function* vfio_pci_bar_rw(vdev: Vdev): Operation {
  yield* down_read(vdev.memory_lock);
  yield* load(vdev.bar);
  yield* vfio_pci_mmap_fault(vdev);
  yield* up_read(vdev.memory_lock);
}

/** The same, v5.9. */
function* bar_rw_lock_by_access(vdev: Vdev): Operation {
  yield* down_read(vdev.memory_lock);
  yield* load(vdev.bar);
  yield* up_read(vdev.memory_lock);
  yield* vfio_pci_mmap_fault(vdev);
}

function* vfio_basic_config_write({ memory_lock }: Vdev): Operation {
  yield* down_write(memory_lock);
  yield* up_write(memory_lock);
}

const recursive: Expectation = { kind: 'lock-order', object: 'vdev.memory_lock', between: ['down_read', 'down_read'] };

export default defineScenario({
  name: 'read-lock-across-a-fault',
  summary: 'A semaphore is taken for reading by who holds it for reading, and a writer comes in between',
  source: 'bc93b9ae0151, v5.9',
  covers: [],
  tags: ['locking'],
  variants: {
    'v5.8': variant({
      objects: { vdev },
      threads: ({ vdev }) => ({ reader: [call(vfio_pci_bar_rw, vdev)], writer: [call(vfio_basic_config_write, vdev)] }),
      expect: [{ kind: 'self-deadlock', object: 'vdev.memory_lock' }, recursive],
    }),
    'v5.8-readers-only': variant({
      objects: { vdev },
      threads: ({ vdev }) => ({ reader: [call(vfio_pci_bar_rw, vdev)], other: [call(vfio_pci_bar_rw, vdev)] }),
      expect: [recursive],
    }),
    'v5.9': variant({
      objects: { vdev },
      threads: ({ vdev }) => ({ reader: [call(bar_rw_lock_by_access, vdev)], writer: [call(vfio_basic_config_write, vdev)] }),
      expect: [],
    }),
  },
});
