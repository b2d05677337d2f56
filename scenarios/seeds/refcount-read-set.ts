import { kfree, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import {
  vfio_device_fops_open,
  vfio_device_fops_release,
  vfio_group_get_device_fd,
} from '../../actors/vfio/rfc-2021-09/vfio-fops.ts';
import {
  VFIO_DEVNODE_GROUP,
  VFIO_DEVNODE_NONGROUP,
  vfio_register_device,
  vfio_unregister_device,
} from '../../actors/vfio/rfc-2021-09/vfio.ts';
import { globals, type HandleTo, pool } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import * as rfc from '../../machines/vfio/rfc-2021-09.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';

const through_group = local<rfc.VfioDevice | number>('through_group');
const through_node = local<rfc.VfioDevice | number>('through_node');

/** Not of the kernel: the driver that is removed when both have exposed the device. */
const driver = globals('driver', { exposed: completion() });
type Driver = HandleTo<typeof driver>;

function* expose(vfio: rfc.Vfio, device: rfc.VfioDevice, flags: number, { exposed }: Driver): Operation {
  yield* vfio_register_device(vfio, device, flags);
  yield* complete(exposed);
}

function* remove(vfio: rfc.Vfio, device: rfc.VfioDevice, vfio_unbound_dev: rfc.VfioUnboundDev, { exposed }: Driver): Operation {
  yield* wait_for_completion(exposed);
  yield* wait_for_completion(exposed);
  yield* vfio_unregister_device(vfio, device, { vfio_unbound_dev });
  yield* kfree(device);
}

const objects = {
  vfio: rfc.vfio,
  vfio_pci: rfc.device_driver,
  type1: rfc.vfio_iommu_driver,
  container: rfc.vfio_container,
  iommu_group: rfc.iommu_group,
  group: rfc.vfio_group,
  sibling: rfc.vfio_device,
  sibling_dev: rfc.device,
  device: rfc.vfio_device,
  dev: rfc.device,
  unbound: pool(rfc.vfio_unbound_dev),
  driver,
};
const start = (container?: string) => ({
  ...rfc.loaded('type1'),
  ...rfc.registered('vfio_pci', {
    groups: [
      {
        group: 'group',
        iommu_group: 'iommu_group',
        devices: [{ device: 'sibling', dev: 'sibling_dev', name: '0000:00:14.0' }],
        ...(container === undefined ? {} : { opened: true, container }),
      },
    ],
  }),
  ...rfc.inIommuGroup('iommu_group', 'sibling_dev', 'dev'),
  ...(container === undefined ? {} : rfc.iommuSet(container, 'type1')),
  ...rfc.initialised({ device: 'device', dev: 'dev' }),
  'dev.driver': { value: { at: 'vfio_pci' } },
});

export default defineScenario({
  name: 'refcount-read-set',
  summary: 'Each half of the registration starts the refcount if it still reads 0',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-1'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'two tasks expose one vfio_device, each through one interface',
      assumes: 'Two tasks register one vfio_device at once. No caller in the series does; nothing in the API forbids it.',
      objects,
      start: start(),
      threads: ({ vfio, device, driver, unbound }) => ({
        registrar_a: [call(expose, vfio, device, VFIO_DEVNODE_GROUP, driver)],
        registrar_b: [call(expose, vfio, device, VFIO_DEVNODE_NONGROUP, driver)],
        user: [
          call(vfio_device_fops_open, vfio, 0).into(through_node),
          call(vfio_device_fops_release, vfio, through_node as never).ifOk(through_node),
        ],
        remover: [call(remove, vfio, device, unbound, driver)],
      }),
      sometimes: {
        'both halves have read 0': ({ next }) => next('registrar_a') === 'refcount_set' && next('registrar_b') === 'refcount_set',
      },
      expect: [{ kind: 'refcount', object: 'device.refcount', between: ['refcount_read', 'refcount_set'] }],
    }),
    'rfc-one-registrar': variant({
      summary: 'one probe exposes both halves',
      objects,
      start: start('container'),
      threads: ({ vfio, group, device }) => ({
        registrar: [call(vfio_register_device, vfio, device, VFIO_DEVNODE_GROUP | VFIO_DEVNODE_NONGROUP)],
        user: [
          call(vfio_group_get_device_fd, vfio, group, '0000:00:14.2').into(through_group),
          call(vfio_device_fops_release, vfio, through_group as never).ifOk(through_group),
        ],
        other: [
          call(vfio_device_fops_open, vfio, 0).into(through_node),
          call(vfio_device_fops_release, vfio, through_node as never).ifOk(through_node),
        ],
      }),
      sometimes: {
        'a user is in before the second read': ({ next, device }) => next('registrar') === 'refcount_read' && device.refcount.n > 1,
      },
      expect: [],
    }),
  },
});
