/**
 * struct module (include/linux/module.h, kernel/module/main.c, v6.1): the use count that keeps a driver's code loaded.
 *
 * The count starts at 1, the module's own reference, which unloading takes away. To get the module is one step: that
 * it is not going and that its count is not 0 are two looks in C, but it goes only after its count was 0.
 *
 * Left out: loading, forced unloading, dependencies between modules.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../object.ts';

export type Module = {
  try_module_get: { reply: boolean };
  __module_get: object;
  module_put: object;
  module_refcount: { reply: number };
  /** What lies in its memory is run or read. */
  text: object;
  /** Unloading takes the module's own reference. The reply is what others still hold, -1 if it is going already. */
  atomic_sub_return: { reply: number };
  /** It gives it back, unless the others are gone by now. The reply is whether it did. */
  atomic_add_unless: { reply: boolean };
  MODULE_STATE_GOING: object;
  free_module: object;
};

const most = 64;

const putTooOften = splat({ kind: 'refcount', text: 'the module is put without a get', prints: 'WARNING: ret < 0' });
const unloaded = splat({
  kind: 'use-after-free',
  text: 'the module is used after it was unloaded',
  prints: 'BUG: unable to handle page fault',
  stops: true,
});

const ownReferenceGone = splat({
  kind: 'bug',
  text: 'the module is unloaded after its own reference was put',
  prints: 'kernel BUG: ret < 0',
  stops: true,
});
const notLive = reply(-1);

type Context = { refcnt: number };

const machine = setupObject<Context, Module>()
  .extend({
    guards: { isZero: ({ context }) => context.refcnt === 0 },
    actions: {
      up: assign({ refcnt: ({ context }) => context.refcnt + 1 }),
      down: assign({ refcnt: ({ context }) => context.refcnt - 1 }),
    },
  })
  .createMachine({
    id: 'module',
    context: ({ input }) => input,
    initial: 'live',
    on: {
      try_module_get: [{ guard: 'isZero', actions: reply(false) }, { actions: ['up', reply(true)] }],
      // It asks nothing: the caller swears that somebody else holds the module.
      __module_get: { actions: ['up', done] },
      module_put: [{ guard: 'isZero', actions: putTooOften }, { actions: ['down', done] }],
      module_refcount: { actions: { type: 'answer', params: ({ context }) => ({ value: context.refcnt - 1 }) } },
      text: { actions: done },
    },
    states: {
      live: {
        on: {
          atomic_sub_return: [
            { guard: 'isZero', actions: ownReferenceGone },
            {
              target: 'stopping',
              actions: ['down', { type: 'answer', params: ({ context }) => ({ value: context.refcnt }) }],
            },
          ],
        },
      },
      /** Whoever else would unload it waits for module_mutex. */
      stopping: {
        on: {
          atomic_add_unless: [
            { guard: 'isZero', actions: reply(false) },
            { target: 'live', actions: ['up', reply(true)] },
          ],
          MODULE_STATE_GOING: { target: 'going', actions: done },
        },
      },
      going: {
        on: {
          try_module_get: { actions: reply(false) },
          atomic_sub_return: { actions: notLive },
          free_module: { target: 'unloaded', actions: done },
        },
      },
      unloaded: {
        on: {
          try_module_get: { actions: unloaded },
          atomic_sub_return: { actions: notLive },
          __module_get: { actions: unloaded },
          module_put: { actions: unloaded },
          module_refcount: { actions: unloaded },
          text: { actions: unloaded },
        },
      },
    },
  });

/** @param users how many hold it from the beginning, beside itself */
export const module = (users = 0) =>
  part<Module, Context>(machine, { refcnt: 1 + users }, { range: (at) => at.refcnt >= 0 && at.refcnt <= most });
