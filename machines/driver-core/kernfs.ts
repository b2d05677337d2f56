/**
 * struct kernfs_node (include/linux/kernfs.h, fs/kernfs/dir.c) of a file, v4.10 to v6.1: who is inside one of its methods,
 * and how it goes. The same in all of them, but for the lock of the tree, a mutex at first and a rwsem since v5.14.
 *
 * Who is inside show() or store() holds an active reference. Removal forbids new ones and waits until there is none, which
 * lockdep sees as a lock, kn->active: shared by who is inside, exclusive for who removes. A method that removes
 * its own file breaks its reference for so long, takes it again, and keeps it to its end: who had begun to wait before,
 * and does not look in between, waits for that end.
 *
 * The memory of a node is counted by whoever has the file open, so that it is never freed here. Left out: the lock of the
 * tree. What it makes one, here is one step, or two between which nobody can tell the difference.
 */
import { assign } from 'xstate';
import { done, type Name, NULL_NAME, part, reply, setupObject, splat, struct } from '../object.ts';
import { EEXIST } from '../sync/errno.ts';
import { pointer } from '../sync/field.ts';

type Pointer = { readonly path: string };

export type KernfsActive = {
  kernfs_get_active: { reply: boolean };
  kernfs_put_active: object;
  /** The first half of __kernfs_remove(): whether there is anything to remove. */
  kernfs_deactivate: { reply: boolean };
  kernfs_drain: object;
  kernfs_unlink_sibling: object;
  /** The first half of kernfs_remove_self(): whether this is the one who removes it. */
  kernfs_break_active_protection: { reply: boolean };
  kernfs_unbreak_active_protection: { reply: boolean };
  /** Another removes it: the wait until that one's method has returned. */
  wait_for_suicide: object;
};

type Active = {
  readonly active: number;
  /** KN_DEACTIVATED_BIAS */
  readonly deactivated: boolean;
  readonly linked: boolean;
  readonly KERNFS_SUICIDAL: boolean;
  readonly KERNFS_SUICIDED: boolean;
};

const putTooOften = splat({
  kind: 'unlock-imbalance',
  text: 'it is put without a get',
  prints: 'WARNING: bad unlock balance detected!',
});

const activeMachine = setupObject<Active, KernfsActive>()
  .extend({
    guards: {
      isActive: ({ context }) => !context.deactivated,
      isIdle: ({ context }) => context.active === 0,
      isLinked: ({ context }) => context.linked,
      isFirst: ({ context }) => !context.KERNFS_SUICIDAL,
      isOver: ({ context }) => context.KERNFS_SUICIDED && context.active === 0,
    },
    actions: {
      up: assign({ active: ({ context }) => context.active + 1 }),
      down: assign({ active: ({ context }) => context.active - 1 }),
      deactivate: assign({ deactivated: true }),
      unlink: assign({ linked: false }),
      begin: assign({ KERNFS_SUICIDAL: true, deactivated: true }),
      end: assign({ KERNFS_SUICIDED: true }),
    },
  })
  .createMachine({
    id: 'kernfs_node',
    context: ({ input }) => input,
    on: {
      kernfs_get_active: [{ guard: 'isActive', actions: ['up', reply(true)] }, { actions: reply(false) }],
      kernfs_put_active: [{ guard: 'isIdle', actions: putTooOften }, { actions: ['down', done] }],
      kernfs_deactivate: [{ guard: 'isLinked', actions: ['deactivate', reply(true)] }, { actions: reply(false) }],
      kernfs_drain: { guard: 'isIdle', actions: done },
      kernfs_unlink_sibling: { actions: ['unlink', done] },
      kernfs_break_active_protection: [
        { guard: 'isFirst', actions: ['down', 'begin', reply(true)] },
        { actions: ['down', reply(false)] },
      ],
      kernfs_unbreak_active_protection: { actions: ['up', 'end', reply(true)] },
      wait_for_suicide: { guard: 'isOver', actions: ['up', done] },
    },
  });

const kernfsActive = () =>
  part<KernfsActive, Active>(
    activeMachine,
    { active: 0, deactivated: false, linked: true, KERNFS_SUICIDAL: false, KERNFS_SUICIDED: false },
    { range: ({ active }) => active <= 16 },
  );

/** The files that there are, by their paths. */
export type KernfsTree = {
  kernfs_add_one: { with: { name: string; node: Pointer }; reply: number };
  kernfs_find_ns: { with: { name: string }; reply: Pointer };
  kernfs_unlink_sibling: { with: { name: string; node: Pointer } };
};

type Tree = { readonly files: { readonly [name: string]: string } };

const duplicateName = splat({
  kind: 'warn',
  text: 'a file is created a second time, which fails with -EEXIST',
  prints: "sysfs: cannot create duplicate filename '<path>'",
});

const asked = (event: object): { readonly name: string; readonly node: string } => {
  const { name, node } = event as { readonly name: string; readonly node?: Name };
  return { name, node: node?.at ?? '' };
};

const treeMachine = setupObject<Tree, KernfsTree>()
  .extend({
    guards: {
      isThere: ({ context, event }) => asked(event).name in context.files,
      isIt: ({ context, event }) => context.files[asked(event).name] === asked(event).node,
    },
    actions: {
      link: assign(({ context, event }) => {
        const { name, node } = asked(event);
        const files = Object.entries({ ...context.files, [name]: node });
        return { files: Object.fromEntries(files.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
      }),
      unlink: assign(({ context, event }) => ({
        files: Object.fromEntries(Object.entries(context.files).filter(([name]) => name !== asked(event).name)),
      })),
    },
  })
  .createMachine({
    id: 'kernfs_root',
    context: ({ input }) => input,
    on: {
      kernfs_add_one: [{ guard: 'isThere', actions: [duplicateName, reply(-EEXIST)] }, { actions: ['link', reply(0)] }],
      kernfs_find_ns: {
        actions: {
          type: 'answer',
          params: ({ context, event }) => ({ value: { at: context.files[asked(event).name] ?? NULL_NAME.at } }),
        },
      },
      kernfs_unlink_sibling: [{ guard: 'isIt', actions: ['unlink', done] }, { actions: done }],
    },
  });

export const kernfsTree = () => part<KernfsTree, Tree>(treeMachine, { files: {} });

/** @param attribute what gives lockdep a class of its own for the active references of these files */
export const kernfs_node = (attribute: string) =>
  struct(`kn_${attribute}`, {
    /** The object of the directory that it is in, for whom its methods work. */
    priv: pointer<Pointer>(),
    active: kernfsActive(),
  });
