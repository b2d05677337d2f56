/**
 * A group that KVM has let go of is told of the virtual machine once more, and keeps the pointer when the machine is gone.
 *
 * KVM_DEV_VFIO_GROUP_ADD puts the group on the list of the kvm-vfio device, lets the lock go, and only then tells the group
 * of the machine. A DEL that comes in between finds the entry, tells the group that there is no machine, and puts the
 * external user. Then the ADD goes on. Nothing is on the list any more, so that nobody takes the pointer back when the
 * machine is destroyed; group->kvm comes with no reference, and the next driver that registers a notifier is told of it.
 *
 * The fix tells the group before the lock goes: whoever deletes the entry comes after that.
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { kvm_device_release, kvm_vm_release } from '../../actors/vfio/v4.19/kvm_main.ts';
import * as v4_19 from '../../actors/vfio/v4.19/kvm_vfio.ts';
import { vfio_group_get_device_fd } from '../../actors/vfio/v4.19/vfio-fops.ts';
import * as v5_15 from '../../actors/vfio/v5.15/kvm_vfio.ts';
import { globals } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { ENOENT } from '../../machines/sync/errno.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import type { HandlesOf } from '../kvm/setup/handles.ts';
import { NAME, objects, start, wire } from './setup/vfio-ap.ts';

const added = local<number>('added');
const deleted = local<number>('deleted');

/** Two threads of a VMM. Only when both ioctls are over is the machine closed, and the device opened. */
const vmm = globals('vmm', { joined: completion() });
const all = { ...objects, vmm };
type Objects = typeof all;

const threads = (add: typeof v4_19.kvm_vfio_group_add) => (of: HandlesOf<Objects>) => {
  const { core, kvm_ops, ops } = wire(of);
  return {
    adder: [call(add, core, of.kvm_device, of.fds.group, of.kvg).into(added), call(complete, of.vmm.joined)],
    deleter: [
      call(v4_19.kvm_vfio_group_del, core, of.kvm_device, of.fds.group).into(deleted),
      call(wait_for_completion, of.vmm.joined),
      call(kvm_device_release, of.kvm_device, kvm_ops),
      call(kvm_vm_release, of.kvm, kvm_ops),
      call(vfio_group_get_device_fd, core, of.group, NAME, ops),
    ],
  };
};

const always = {
  'the group knows no machine that is gone': ({ kvm, group }: View<Objects>) => !kvm.freed || group.kvm.value.at === 'NULL',
};
const sometimes = {
  'the group is deleted while it is added': ({ result, next, kv }: View<Objects>) =>
    result(deleted) === 0 && result(added) === undefined && next('adder') !== null && kv.group_list.entries.length === 0,
  'the group is not there yet to be deleted': ({ result }: View<Objects>) => result(deleted) === -ENOENT,
};

export default defineScenario({
  name: 'stale-kvm',
  summary: 'A group that KVM has let go of is told of the machine after that, and keeps the pointer when it is gone',
  source: 'virt/kvm/vfio.c, v4.10 to v6.5; 9e0f4f2918c2, v6.6',
  covers: ['D-25'],
  tags: ['seed-001'],
  variants: {
    'v4.19': variant({
      objects: all,
      start,
      threads: threads(v4_19.kvm_vfio_group_add),
      always,
      sometimes,
      expect: [{ kind: 'invariant', object: 'kvm', between: ['store', 'kfree'] }],
      leadsTo: [{ kind: 'use-after-free', object: 'kvm' }],
    }),
    'v5.15.y': variant({
      summary: 'The ADD of v5.15.y, on VFIO as of v4.19.',
      objects: all,
      start,
      threads: threads(v5_15.kvm_vfio_group_add),
      always,
      sometimes,
      expect: [],
    }),
  },
});
