/**
 * The write that stops a device returns when the device stands still. What user space has mapped of it is mapped still: a
 * virtual CPU that stores to a BAR is trapped by nobody, and the device changes after everybody was told that it does not.
 *
 * Either the mappings go before the device is stopped, so that a store comes by the provider, which knows that it has
 * stopped. Patches 4/9 and 9/9 of the series ask user space, by an eventfd, to do that; here the kernel does it. Or user
 * space stops its virtual CPUs first, as v2 demands of it.
 */
import { access, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { globals, type HandleTo } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { type MappedBar, mapped_bar } from '../../machines/vfio/mapped-bar.ts';
import { type MigrationRegion, migration_region, VFIO_DEVICE_STATE_RUNNING } from '../../machines/vfio/rfc-2019-12/migration.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';

const vdev = globals('vfio_pci_device', { bar: mapped_bar() });
type Vdev = HandleTo<typeof vdev>;
/** What a virtual machine monitor keeps of a virtual CPU. */
const vcpu = globals('vcpu', { stop: field<boolean>(false), stopped: completion() });
type Vcpu = HandleTo<typeof vcpu>;

const mmio_store = access<MappedBar, 'mmio_store'>({ kind: 'update', orders: 'both' }, 'mmio_store', { c: '*(u32 *)$ = 1' });
const iowrite = access<MappedBar, 'iowrite'>('update', 'iowrite', { c: 'iowrite32(1, $)' });
const unmap_mapping_range = access<MappedBar, 'unmap_mapping_range'>('update', 'unmap_mapping_range');
const stop_device = access<MappedBar, 'stop'>('update', 'stop', { c: 'stop the device' });

/** A pwrite() of device_state with RUNNING cleared, up to where it returns. */
function* write_stop(region: MigrationRegion, vdev: Vdev, unmapsFirst: boolean): Operation<number> {
  yield* mutex_lock(region.lock);
  if (unmapsFirst) yield* unmap_mapping_range(vdev.bar);
  yield* stop_device(vdev.bar);
  yield* store(region.device_state, 0);
  yield* mutex_unlock(region.lock);
  return 0;
}

/** vfio_pci_rw() of who was trapped, with what the provider makes of it: nothing, once the device stands still. */
function* trapped(region: MigrationRegion, vdev: Vdev): Operation<boolean> {
  yield* mutex_lock(region.lock);
  const runs = ((yield* load(region.device_state)) & VFIO_DEVICE_STATE_RUNNING) !== 0;
  if (runs) yield* iowrite(vdev.bar);
  yield* mutex_unlock(region.lock);
  return runs;
}

/** A store of the guest. @returns whether it has reached the device */
function* guest_store(region: MigrationRegion, vdev: Vdev): Operation<boolean> {
  return (yield* mmio_store(vdev.bar)) || (yield* trapped(region, vdev));
}

/** The same, of a virtual CPU that looks whether it is to stop before it goes on, and says when it has. */
function* vcpu_run(region: MigrationRegion, vdev: Vdev, vcpu: Vcpu): Operation {
  if (!(yield* READ_ONCE(vcpu.stop))) yield* guest_store(region, vdev);
  yield* complete(vcpu.stopped);
}

function* pause_vcpu(vcpu: Vcpu): Operation {
  yield* WRITE_ONCE(vcpu.stop, true);
  yield* wait_for_completion(vcpu.stopped);
}

const objects = { region: migration_region, vdev };
const stopped = local<number>('stopped');
const reached = local<boolean>('reached');
type Seen = View<typeof objects>;
const stands = { 'a device that stands still does not change': ({ vdev }: Pick<Seen, 'vdev'>) => !vdev.bar.changedAfterStop };

const traps = (unmapsFirst: boolean) => ({
  objects,
  threads: ({ region, vdev }: { region: MigrationRegion; vdev: Vdev }) => ({
    migration: [call(write_stop, region, vdev, unmapsFirst).into(stopped)],
    vcpu: [call(guest_store, region, vdev).into(reached)],
  }),
  always: stands,
});

export default defineScenario({
  name: 'stop-and-mapped-bar',
  summary: 'A device has been stopped, and a virtual CPU stores to a BAR of it that is mapped',
  source: 'RFC 03/09 vfio/pci: register a default migration region, December 2019',
  covers: ['F-12'],
  tags: ['seed-003'],
  variants: {
    rfc: variant({
      ...traps(false),
      sometimes: { 'the store comes in time': ({ result, vdev }) => result(reached) === true && vdev.bar.state === 'running' },
      expect: [{ kind: 'invariant', object: 'vdev.bar', between: ['stop', 'mmio_store'] }],
    }),
    'mappings-revoked': variant({
      summary: 'The kernel takes the mappings away before it stops the device. Nobody posted that.',
      ...traps(true),
      sometimes: {
        'the store comes through the mapping': ({ result, vdev }) => result(reached) === true && vdev.bar.mapped,
        'it is trapped when the device stands still, and goes nowhere': ({ result }) => result(reached) === false,
        'it is trapped, and the device stands still before it is handled': ({ next, vdev }) =>
          next('vcpu') === 'mutex_lock' && vdev.bar.state === 'stopped',
      },
      expect: [],
    }),
    'vcpus-stopped-first': variant({
      summary: 'User space stops its virtual CPUs, and the device after that.',
      objects: { ...objects, vcpu },
      threads: ({ region, vdev, vcpu }) => ({
        migration: [call(pause_vcpu, vcpu), call(write_stop, region, vdev, false).into(stopped)],
        vcpu: [call(vcpu_run, region, vdev, vcpu)],
      }),
      always: stands,
      sometimes: {
        'the virtual CPU is still to store when it is asked to stop': ({ next, vcpu }) =>
          next('vcpu') === 'mmio_store' && vcpu.stop.value,
      },
      atEnd: { 'the device stands still': ({ vdev }) => vdev.bar.state === 'stopped' },
      expect: [],
    }),
  },
});
