/** fs/sysfs/dir.c, v6.6: a directory, which is there or is not. */
import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../object.ts';
import { EEXIST } from '../sync/errno.ts';

/** `kobj->sd`, the directory of a device in sysfs. Under one parent a name is taken once, in one step under kernfs_rwsem. */
export type SysfsDir = {
  sysfs_create_dir_ns: { reply: number };
  sysfs_remove_dir: object;
};

const duplicateName = splat({
  kind: 'warn',
  text: 'its directory is created a second time, which fails with -EEXIST',
  prints: "sysfs: cannot create duplicate filename '<path>'",
});

const sysfsMachine = setupObject<{ present: boolean }, SysfsDir>()
  .extend({
    guards: { isPresent: ({ context }) => context.present },
    actions: { create: assign({ present: true }), remove: assign({ present: false }) },
  })
  .createMachine({
    id: 'sysfs_dir',
    context: ({ input }) => input,
    on: {
      sysfs_create_dir_ns: [{ guard: 'isPresent', actions: [duplicateName, reply(-EEXIST)] }, { actions: ['create', reply(0)] }],
      sysfs_remove_dir: { actions: ['remove', done] },
    },
  });
export const sysfsDir = () => part<SysfsDir, { present: boolean }>(sysfsMachine, { present: false });
