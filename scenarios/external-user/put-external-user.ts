/**
 * An external user lets go of a group of which it is the last to know.
 *
 * User space has closed all its files, and the device has been unbound: what is left of the group is KVM's reference, and
 * its one count of container_users. vfio_group_put_external_user() drops the reference first. That takes the group off its
 * list, takes its node away and frees it; then the counter in it is decremented, and perhaps the container followed from it.
 * It needs no race, only that order of events. A kernel whose memory still holds what it held detaches the group all the
 * same; one that has given it away leaves the container attached for good, or writes to somebody else's memory.
 *
 * The two calls in the other order, as v4.13 has them, are all that it takes.
 */
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v4_13 from '../../actors/vfio/v4.13/index.ts';
import { call, defineScenario, variant, type View } from '../../src/index.ts';
import { keptByKvm, leaks, objects, unbind, usersLaw } from './setup/one-group.ts';

type Seen = View<typeof objects>;
const isLast = ({ next, group }: Seen) => next('kvm') !== null && !group.freed && group.kref.n === 1;

export default defineScenario({
  name: 'put-external-user',
  summary: 'The last external user frees the group, and then takes it off its container',
  source: '6cdd97821322 vfio: add external user support (v3.12)',
  covers: ['X-1'],
  tags: ['seed-004'],
  variants: {
    'v3.12': variant({
      objects,
      start: keptByKvm,
      threads: (all) => ({
        admin: [unbind(all)],
        kvm: [call(v3_12.vfio_group_put_external_user, all.vfio, all.group)],
      }),
      sometimes: { 'KVM is the last who has the group': isLast },
      expect: [{ kind: 'use-after-free', object: 'group' }],
    }),
    'v4.13': variant({
      summary: 'v3.12 with the order of v4.13: the container is dissolved before the group is put.',
      objects,
      start: keptByKvm,
      threads: (all) => ({
        admin: [unbind(all)],
        kvm: [call(v4_13.vfio_group_put_external_user, all.vfio, all.group)],
      }),
      always: usersLaw,
      sometimes: {
        'KVM is the last who has the group': isLast,
        'KVM frees the group': ({ group, ended, next }) => group.freed && ended('admin') && next('kvm') === null,
        'the group is off its container before its device is gone': ({ container, group }) => container.freed && !group.freed,
      },
      atEnd: { 'group and container are gone': ({ group, container }) => group.freed && container.freed },
      leaks,
      expect: [],
    }),
  },
});
