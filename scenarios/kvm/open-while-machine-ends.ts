/**
 * A device is opened just when its virtual machine ends, and its driver takes a reference on what nobody has any more.
 *
 * group->kvm comes without a reference. Up to v6.2-rc5 it was taken back by kvm_vfio_destroy(), which runs when the count of
 * the machine has come to 0 already. Who opens the device in between finds the pointer there, and the driver raises the
 * count from 0.
 *
 * 51cdc8bc120e takes the pointer back when the file of the kvm-vfio device is closed, which has a reference until after that.
 * From v6.3 on the core asks for the reference with kvm_get_kvm_safe(), which would have been enough: it does without where it
 * is refused. As the pointer is taken back in time, it never is.
 */
import { kvm_device_release, type KvmDeviceOps, kvm_vm_release } from '../../actors/vfio/v4.19/kvm_main.ts';
import * as v6_2 from '../../actors/vfio/v6.2/vfio_main.ts';
import * as v6_3 from '../../actors/vfio/v6.3/vfio_main.ts';
import { kvm_vfio_group, type VfioDevice } from '../../machines/vfio/v6.2/vfio.ts';
import type { Vfio } from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, type Predicate, type Variant, variant } from '../../src/index.ts';
import {
  endsWithFile,
  endsWithFileAtV6_3,
  endsWithMachine,
  endsWithMachineAtV6_3,
  kvmgt,
  laws,
  listed,
  objects,
} from './setup/v6.2.ts';

const fd = local<VfioDevice | number>('fd');

type Open = typeof v6_3.vfio_group_ioctl_get_device_fd;

interface Rest extends Pick<Variant, 'expect'> {
  readonly summary?: string;
  readonly sometimes?: { readonly [window: string]: Predicate<typeof objects> };
}

const design = (ends: (vfio: Vfio) => KvmDeviceOps, open: Open, rest: Rest): Variant =>
  variant({
    ...rest,
    objects: { ...objects, kvg: kvm_vfio_group },
    start: listed,
    threads: ({ vfio, group, dev, kvm, kvm_device }) => {
      const kvm_ops = ends(vfio);
      return {
        user: [call(open, vfio, group, dev, kvmgt(kvm_ops), kvm_ops).into(fd)],
        vmm: [call(kvm_device_release, kvm_device, kvm_ops), call(kvm_vm_release, kvm, kvm_ops)],
      };
    },
    always: laws,
    sometimes: {
      'it is opened with the machine': ({ device }) => device.open_count.value === 1 && device.kvm.value.at === 'kvm',
      'it is refused, as there is none any more': ({ result }) => typeof result(fd) === 'number',
      ...rest.sometimes,
    },
  });

export default defineScenario({
  name: 'open-while-machine-ends',
  summary: 'A device is opened while its machine ends, and the driver takes a reference on what nobody has any more',
  source: '51cdc8bc120e, v6.2-rc6; 2b48f52f2bff, v6.3',
  covers: [],
  tags: ['seed-004'],
  variants: {
    'v6.2-rc5': design(endsWithMachine, v6_2.vfio_group_ioctl_get_device_fd, {
      expect: [{ kind: 'refcount', object: 'kvm.users_count', between: ['refcount_dec_and_test', 'refcount_inc'] }],
    }),
    'v6.2': design(endsWithFile, v6_2.vfio_group_ioctl_get_device_fd, { expect: [] }),
    'v6.3': design(endsWithFileAtV6_3, v6_3.vfio_group_ioctl_get_device_fd, { expect: [] }),
    'v6.3-with-machine': design(endsWithMachineAtV6_3, v6_3.vfio_group_ioctl_get_device_fd, {
      summary: 'As it could be: the pointer is taken back with the machine, as up to v6.2-rc5, and the core asks.',
      sometimes: {
        'the pointer is there, and the reference refused': ({ group, kvm, device, next }) =>
          group.kvm.value.at === 'kvm' &&
          kvm.users_count.n === 0 &&
          device.kvm.value.at === 'NULL' &&
          next('user') === 'spin_unlock',
      },
      expect: [],
    }),
  },
});
