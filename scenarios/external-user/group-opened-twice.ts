/**
 * Two processes have one group open, one of them only to close it again.
 *
 * Each close of a group takes one user off its container, as if it had been the one who put it there. Where a group can be
 * opened more than once, a process that has done nothing with it takes away the container of the one that has: the external
 * user is then refused, or, if it has come in time, is counted by what is left of the other's count, and loses the container
 * with that one's close. That is why the patch of the external user asks for "vfio: Limit group opens", by which the second
 * open is refused.
 */
import { EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v3_7 from '../../actors/vfio/v3.7/index.ts';
import * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { bound, MINOR, objects as oneGroup, usersLaw } from './setup/one-group.ts';

const mine = local<inV3_12.VfioGroup | number>('mine');
const theirs = local<inV3_12.VfioGroup | number>('theirs');
const set = local<number>('set');
const iommu = local<number>('iommu');
const kvms = local<inV3_12.VfioGroup | number>('kvms');

/** Of the group's file, which somebody passes to KVM; it is open as long as it is needed. */
const objects = { ...oneGroup, file: inV3_12.file };
const start = { ...bound, 'file.private_data': { value: { at: 'group' } } };
type Seen = View<typeof objects>;

interface Processes {
  readonly vfio: inV3_12.Vfio;
  readonly container: inV3_12.VfioContainer;
  readonly file: inV3_12.File;
}
type Group = Pick<typeof v3_12, 'vfio_group_fops_open' | 'vfio_group_fops_release'>;
const threads =
  ({ vfio_group_fops_open: open, vfio_group_fops_release: release }: Group) =>
  ({ vfio, container, file }: Processes) => ({
    vmm: [
      call(open, vfio, MINOR).into(mine),
      call(v3_12.vfio_group_set_container, vfio, mine, container).ifOk(mine).into(set),
      call(v3_12.vfio_ioctl_set_iommu, vfio, container).ifOk(set).into(iommu),
      call(v3_12.vfio_group_get_external_user, vfio, file).ifOk(iommu).into(kvms),
      call(release, vfio, mine).ifOk(mine),
    ],
    other: [call(open, vfio, MINOR).into(theirs), call(release, vfio, theirs).ifOk(theirs)],
  });

/** From then on KVM goes by the IOMMU id of the group. */
const kvmHasContainer = ({ result, group }: Seen) => typeof result(kvms) !== 'object' || group.container.value.at === 'container';

export default defineScenario({
  name: 'group-opened-twice',
  summary: 'A process that has a group open, too, takes the container from under the external user of another',
  source: '6cdd97821322 vfio: add external user support, and "vfio: Limit group opens" before it',
  covers: ['X-18'],
  tags: ['seed-004'],
  variants: {
    'without-limit': variant({
      summary: 'The external user of v3.12, and the open of v3.7.',
      objects,
      start,
      threads: threads(v3_7),
      always: { 'what KVM has registered stays on its container': kvmHasContainer },
      sometimes: { 'KVM is refused by what the other has done': ({ result }) => result(kvms) === -EINVAL },
      expect: [{ kind: 'invariant', object: 'group.container', between: ['store', 'store'] }],
    }),
    'v3.12': variant({
      objects,
      start,
      threads: threads(v3_12),
      always: { ...usersLaw, 'what KVM has registered stays on its container': kvmHasContainer },
      sometimes: {
        'the other is refused': ({ result, group }) => result(theirs) === -EBUSY && group.opened.n === 1,
        'the other is refused by the container that is KVM’s': ({ result, group, next }) =>
          result(theirs) === undefined &&
          next('other') === 'load' &&
          group.chart.state === 'attached' &&
          group.users.attached === 0,
        'the other was first': ({ result }) => result(mine) === -EBUSY,
      },
      atEnd: {
        'KVM has what it wants, unless the VMM has nothing': ({ result }) =>
          typeof result(kvms) === 'object' || result(mine) === -EBUSY,
        'the group is KVM’s alone': ({ result, group }) =>
          result(mine) === -EBUSY || (group.users.external === 1 && group.container_users.n === 1),
      },
      expect: [],
    }),
  },
});
