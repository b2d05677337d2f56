/** A device of v6.6, alone in its group, that is registered and closed: by its own node or by the group it may be opened. */
import type { Operation } from '../../../actors/step.ts';
import { fput } from '../../../actors/sync/file.ts';
import * as v6_6 from '../../../actors/vfio/v6.6/index.ts';
import { globals, type HandleTo, pool } from '../../../machines/object.ts';
import { file_ref } from '../../../machines/sync/file.ts';
import * as merged from '../../../machines/vfio/v6.6/index.ts';
import type { View } from '../../../src/index.ts';
import { blockedByBoundFiles, type DeviceFile } from '../../laws/bound-files.ts';
import { lawsOfMergedGroup, mergedGroupLaws } from '../../laws/merged-group.ts';

const device = {
  vfio: merged.vfio,
  vfio_pci: merged.device_driver,
  iommu_group: merged.iommu_group,
  group: merged.vfio_group,
  dev_set: merged.vfio_device_set,
  device: merged.vfio_device,
  dev: merged.device,
};

const start = merged.registered({
  group: 'group',
  iommu_group: 'iommu_group',
  devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
});

type Of<O> = Omit<View<O>, 'all'>;

/** What is there when nobody has the device or its group open, and should not be. */
const closedLeaks = {
  'device.refcount': ({ device: it }: Of<typeof device>) => it.refcount.n - 1,
  'device.open_count': ({ device: it }: Of<typeof device>) => it.open_count.value,
  'group.cdev_device_open_cnt': ({ group }: Of<typeof device>) => group.cdev_device_open_cnt.value,
  'iommu_group.owner_cnt': ({ iommu_group }: Of<typeof device>) => iommu_group.owner_cnt.value,
  'vfio_pci.owner': ({ vfio_pci }: Of<typeof device>) => vfio_pci.owner.refcnt - 1,
};

/* ---- each who opens the node has a file of his own ---- */

export const node = { objects: { ...device, df: pool(merged.vfio_device_file, 2) }, start };

interface Files {
  readonly all: (pool: 'df') => readonly DeviceFile[];
}
type Node = Of<typeof device> & Files;

const filesOf = ({ all }: Files) => all('df');
export const nodeLaws = mergedGroupLaws('device');
export const nodeAtEnd = blockedByBoundFiles<'group', Node>('group', filesOf);
export const nodeLeaks = {
  ...closedLeaks,
  df: ({ all }: Files) => all('df').filter(({ freed }) => !freed).length,
};

/* ---- two descriptors lead to one file of the node ---- */

/** The struct file of both, which holds the cdev until the last of them is closed. */
const filp = globals('file', { f_count: file_ref(2) });
interface Filp extends HandleTo<typeof filp> {}

export const sharedNode = {
  objects: { ...device, df: merged.vfio_device_file, filp },
  start: {
    ...start,
    'df.device': { value: { at: 'device' } },
    'device.refcount': { n: 2 },
    'vfio.chrdevs': {
      cdevs: {
        device: { refs: 2, mapped: 1, i_cdev: 'device', node: true, devt: merged.deviceDevt(0) },
        group: { refs: 1, mapped: 1, i_cdev: null, node: true, devt: merged.groupDevt(0) },
      },
    },
  },
};

/** close(2) of one of the descriptors. */
export const close = (vfio: merged.Vfio, { f_count }: Filp, df: merged.VfioDeviceFile, ops?: v6_6.VfioDeviceOps): Operation =>
  fput(f_count, () => v6_6.closeDevice(vfio, df, ops));

type SharedNode = Of<typeof sharedNode.objects>;

const theFile = ({ df }: SharedNode) => [df];
const names = { group: 'group', iommu_group: 'iommu_group', devices: ['device'] } as const;
export const sharedNodeLaws = lawsOfMergedGroup(names, theFile);
export const sharedNodeAtEnd = blockedByBoundFiles<'group', SharedNode>('group', theFile);
export const sharedNodeLeaks = { ...closedLeaks, df: ({ df }: SharedNode) => (df.freed ? 0 : 1) };
