/**
 * To open a device takes the lock of its group and then, in the driver's open, that of the virtual machine; to close the
 * file by which KVM knows the group takes them the other way round.
 *
 * The fix keeps the pointer to the virtual machine under a small lock of its own, within which nobody sleeps: the core
 * takes a reference there before the driver is called, and who closes KVM's file no longer needs the lock of the group.
 */
import type { Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_inc } from '../../actors/sync/refcount.ts';
import { spin_lock, spin_unlock } from '../../actors/sync/spinlock.ts';
import { type HandleTo, NULL, struct } from '../../machines/object.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import { call, defineScenario, variant } from '../../src/index.ts';

const kvm = struct('kvm', { lock: mutex(), users_count: refcount(1), vms: field<number>(0) });
interface Kvm extends HandleTo<typeof kvm> {}
const group = struct('vfio_group', { group_lock: mutex(), kvm_ref_lock: spinlock(), kvm: pointer<Kvm>({ at: 'kvm' }) });
interface Group extends HandleTo<typeof group> {}

/** A driver that links its device with the virtual machine, as vfio_ap does. */
function* open_device(kvm: Kvm): Operation {
  yield* mutex_lock(kvm.lock);
  yield* store(kvm.vms, (yield* load(kvm.vms)) + 1);
  yield* mutex_unlock(kvm.lock);
}

/** drivers/vfio/group.c, v6.2. */
function* vfio_device_group_open(group: Group): Operation {
  yield* mutex_lock(group.group_lock);
  const kvm = yield* load(group.kvm);
  if (kvm !== NULL) yield* open_device(kvm as Kvm);
  yield* mutex_unlock(group.group_lock);
}

/** drivers/vfio/group.c, v6.2. */
function* vfio_file_set_kvm(group: Group): Operation {
  yield* mutex_lock(group.group_lock);
  yield* store(group.kvm, NULL);
  yield* mutex_unlock(group.group_lock);
}

/** virt/kvm/vfio.c: the release of KVM's file. @param set_kvm what tells the group that the virtual machine has gone */
function* kvm_vfio_release(kvm: Kvm, group: Group, set_kvm: (group: Group) => Operation): Operation {
  yield* mutex_lock(kvm.lock);
  yield* set_kvm(group);
  yield* mutex_unlock(kvm.lock);
}

/** The same with a lock for the pointer alone. */
function* open_with_reference(group: Group): Operation {
  yield* mutex_lock(group.group_lock);
  yield* spin_lock(group.kvm_ref_lock);
  const kvm = yield* load(group.kvm);
  if (kvm !== NULL) yield* refcount_inc((kvm as Kvm).users_count);
  yield* spin_unlock(group.kvm_ref_lock);
  if (kvm !== NULL) yield* open_device(kvm as Kvm);
  yield* mutex_unlock(group.group_lock);
}

function* set_kvm_under_its_lock(group: Group): Operation {
  yield* spin_lock(group.kvm_ref_lock);
  yield* store(group.kvm, NULL);
  yield* spin_unlock(group.kvm_ref_lock);
}

const objects = { kvm, group };

export default defineScenario({
  name: 'kvm-lock-order',
  summary: 'The lock of a group and that of a virtual machine are taken in both orders',
  source: '2b48f52f2bff, v6.3',
  covers: [],
  tags: ['locking'],
  variants: {
    'v6.2': variant({
      objects,
      threads: ({ kvm, group }) => ({
        user: [call(vfio_device_group_open, group)],
        machine: [call(kvm_vfio_release, kvm, group, vfio_file_set_kvm)],
      }),
      expect: [
        { kind: 'deadlock', object: 'kvm.lock', between: ['mutex_lock', 'mutex_lock'] },
        { kind: 'lock-order', object: 'kvm.lock', between: ['mutex_lock', 'mutex_lock'] },
      ],
    }),
    'v6.3': variant({
      objects,
      threads: ({ kvm, group }) => ({
        user: [call(open_with_reference, group)],
        machine: [call(kvm_vfio_release, kvm, group, set_kvm_under_its_lock)],
      }),
      sometimes: { 'the user waits for the machine': ({ blocked }) => blocked('user') },
      expect: [],
    }),
  },
});
