/**
 * A registration shows the device to user space before the driver's probe has ended: device_create() sends the uevent, and
 * udev, or whoever waits for the node, may be in the driver's open before the registration has returned. What the driver
 * sets up after it is not there yet.
 *
 * vfio-pci had this order, and its open followed a NULL pointer to the lock of its reflck, until 4aeec3984ddc (v5.13) made
 * the registration the last thing that its probe does; 2b1fe162e584 did the same for vfio-fsl-mc. Nothing in the patch
 * helps a driver to get it right, and a device with a node of its own is found sooner: by one open(2), where the way
 * through the group takes a container as well.
 *
 * In v6.6 the order is asked for: drvdata, by which the open comes to its driver where it resumes the device, is set before
 * the registration, which warns of a driver that has not. An open before the last step gets -ENODEV, and may try again.
 */
import { kzalloc, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { down_write, up_write } from '../../actors/sync/rwsem.ts';
import { EINVAL, ENODEV, ENOENT } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { handleAt, type HandleTo, pool, struct } from '../../machines/object.ts';
import { pointer } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, type Variant, type VariantSpec, variant } from '../../src/index.ts';
import { oneOwner } from '../laws/one-owner.ts';

const NAME = '0000:00:14.2';

const probed = local<number>('probed');
const fd = local<inRfc.VfioDevice | number>('fd');
const file = local<merged.VfioDeviceFile | number>('file');
const bound = local<number>('bound');

/* ---- vfio-pci, v5.14 ---- */

/** One for the devices that are only reset together. */
const vfio_pci_reflck = struct('vfio_pci_reflck', { lock: mutex() });
interface VfioPciReflck extends HandleTo<typeof vfio_pci_reflck> {}

const vfio_pci_device = struct('vfio_pci_device', { ...inRfc.vfio_device.parts, reflck: pointer<VfioPciReflck>() });
interface VfioPciDevice extends HandleTo<typeof vfio_pci_device> {}

/** Left out: that a slot or a bus may have one already. */
function* vfio_pci_reflck_attach(vdev: VfioPciDevice, from: VfioPciReflck): Operation {
  yield* store(vdev.reflck, yield* kzalloc(from));
}

/** Left out: what it does for the first that comes, and that it counts them. */
function* vfio_pci_open(core_vdev: inRfc.VfioDevice): Operation<number> {
  const reflck = (yield* load(handleAt<VfioPciDevice>(core_vdev.path).reflck)) as VfioPciReflck;
  yield* mutex_lock(reflck.lock);
  yield* mutex_unlock(reflck.lock);
  return 0;
}

const ops = { ...rfc.vfio_device_ops, open: vfio_pci_open };

const rfcWith = (summary: string, order: 'registers first' | 'registers last', expect: Variant['expect']) =>
  variant({
    summary,
    objects: {
      vfio: inRfc.vfio,
      vfio_pci: inRfc.device_driver,
      device: vfio_pci_device,
      dev: inRfc.device,
      reflck: pool(vfio_pci_reflck),
    },
    start: inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
    threads: ({ vfio, vfio_pci, device, dev, reflck }) => {
      const driver: rfc.Driver = {
        ...rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_NONGROUP, {}, ops),
        *probe() {
          if (order === 'registers last') yield* vfio_pci_reflck_attach(device, reflck);
          const ret = yield* rfc.vfio_register_device(vfio, device, rfc.VFIO_DEVNODE_NONGROUP, {}, ops);
          if (order === 'registers first' && ret === 0) yield* vfio_pci_reflck_attach(device, reflck);
          return ret;
        },
      };
      return {
        prober: [call(rfc.device_driver_attach, driver, dev).into(probed)],
        user: [call(rfc.openDevice, vfio, NAME, ops).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
      };
    },
    sometimes: {
      'the user is in the open of the driver while its probe runs': ({ next, device, dev }) =>
        next('user') === 'mutex_lock' && device.opened.n === 1 && dev.mutex.owner === 'prober',
      'the user comes when the probe has ended': ({ next, device, result }) =>
        next('user') === 'mutex_lock' && device.opened.n === 1 && result(probed) === 0,
      'the user comes before the node': ({ result }) => result(fd) === -ENOENT,
    },
    atEnd: { 'the registration is the one reference left': ({ device }) => device.refcount.n === 1 },
    leaks: {
      'device.opened': ({ device }) => device.opened.n,
      // Beside the module's own.
      'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
    },
    expect,
  });

/* ---- vfio-pci, v6.6 ---- */

const vfio_pci_core_device = struct('vfio_pci_core_device', { ...merged.vfio_device.parts, memory_lock: rwsem() });
interface VfioPciCoreDevice extends HandleTo<typeof vfio_pci_core_device> {}

/** By way of pm_runtime_resume_and_get(): an idle device sleeps. Left out: what it does with the lock. */
function* vfio_pci_core_runtime_resume(dev: merged.Device): Operation {
  const vdev = (yield* load(dev.driver_data)) as VfioPciCoreDevice;
  yield* down_write(vdev.memory_lock);
  yield* up_write(vdev.memory_lock);
}

const ops_v6_6: v6_6.VfioDeviceOps = {
  ...v6_6.vfio_device_ops,
  *open_device(device) {
    yield* vfio_pci_core_runtime_resume((yield* load(device.dev)) as merged.Device);
    return 0;
  },
};

/** What a driver is that registers before it has set drvdata. */
const setsDrvdataLate = (pci: v6_6.VfioPci): v6_6.Driver => ({
  ...v6_6.vfio_pci_driver(pci),
  *probe(dev) {
    const device = yield* v6_6._vfio_alloc_device(pci.vfio, dev, pci.pools);
    const ret = yield* v6_6.vfio_pci_core_register_device(pci, device);
    if (ret !== 0) yield* v6_6.vfio_put_device(pci.vfio, device, ops_v6_6);
    else yield* store(dev.driver_data, device);
    return ret;
  },
});

const mergedObjects = {
  vfio: merged.vfio,
  vfio_pci: merged.device_driver,
  iommu_group: merged.iommu_group,
  group: pool(merged.vfio_group),
  dev_set: merged.vfio_device_set,
  device: pool(vfio_pci_core_device),
  dev: merged.device,
  df: pool(merged.vfio_device_file),
  ictx: merged.iommufd_ctx,
};

const mergedWith = (
  summary: string,
  driverOf: (pci: v6_6.VfioPci) => v6_6.Driver,
  rest: Pick<VariantSpec<typeof mergedObjects>, 'sometimes' | 'atEnd' | 'expect'>,
) =>
  variant({
    ...rest,
    summary,
    objects: mergedObjects,
    start: merged.in_iommu_group('iommu_group', 'dev'),
    always: oneOwner('iommu_group'),
    threads: ({ vfio, vfio_pci, dev_set, device, dev, group, df, ictx }) => {
      const pools = { vfio_device: device, vfio_group: group };
      const driver = driverOf({ vfio, driver: vfio_pci, dev_set, pools, ops: ops_v6_6 });
      const node = handleAt<merged.VfioDevice>('device@prober');
      return {
        prober: [call(v6_6.device_driver_attach, driver, dev).into(probed)],
        user: [
          call(v6_6.openDevice, vfio, node, { vfio_device_file: df }, ops_v6_6).into(file),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, file, ictx, ops_v6_6).ifOk(file).into(bound),
          call(v6_6.closeDevice, vfio, file, ops_v6_6).ifOk(file),
        ],
      };
    },
  });

export default defineScenario({
  name: 'opened-before-probe-ends',
  summary: 'User space is in the open of a driver that has registered the device and not yet set it up',
  assumes:
    'In rfc, the open needs what the probe sets after it has registered. In vfio-pci since v5.13 that is drvdata alone, which its open does not need; nothing in the API forbids more.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device()',
  covers: ['Y-15'],
  tags: ['seed-002'],
  variants: {
    rfc: rfcWith('A driver that gets its reflck after the registration, as vfio-pci did up to v5.12.', 'registers first', [
      { kind: 'null-deref', object: 'lock', between: ['load', 'mutex_lock'] },
    ]),
    'rfc-register-last': rfcWith(
      'The registration comes last, as it does in vfio-pci since v5.13 but for drvdata, which the open does not need.',
      'registers last',
      [],
    ),
    merged: mergedWith('vfio-pci of v6.6, whose open resumes the device.', v6_6.vfio_pci_driver, {
      sometimes: {
        'the user is in the open of the driver while its probe runs': ({ next, all, dev }) =>
          next('user') === 'down_write' &&
          all('device').some(({ open_count }) => open_count.value === 1) &&
          dev.mutex.owner === 'prober',
        'the user comes between the node and the count': ({ result }) => result(file) === -ENODEV,
      },
      atEnd: {
        'the probe has succeeded': ({ result }) => result(probed) === 0,
        'the registration is the one reference left': ({ all }) => all('device').every(({ refcount }) => refcount.n === 1),
      },
      expect: [],
    }),
    'merged-late-drvdata': mergedWith('A driver that sets drvdata after the registration is refused it.', setsDrvdataLate, {
      atEnd: { 'the probe has failed': ({ result }) => result(probed) === -EINVAL },
      expect: [{ kind: 'warn', object: 'vfio_pci_core_register_device' }],
    }),
  },
});
