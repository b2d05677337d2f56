import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../object.ts';

/**
 * `dev->p`, struct device_private, with the pointer to it: device_add() allocates it where there is none, and frees it
 * where it fails, whoever had allocated it. Nothing else points there, so that the two are one part.
 */
export type DevicePrivate = {
  load: { reply: boolean };
  device_private_init: object;
  /** One use of what it points at. */
  access: object;
  /** What kfree() does to the memory; the pointer stays. */
  free: object;
  clear: object;
};

type Private = { readonly p: 'NULL' | 'live' | 'freed' };

const privateLeaked = splat({ kind: 'leak', text: 'it is allocated a second time, and the first is lost', prints: null });
const throughNull = splat({
  kind: 'null-deref',
  text: 'dev->p is followed and is NULL',
  prints: 'BUG: kernel NULL pointer dereference',
  stops: true,
});
const throughFreed = splat({
  kind: 'use-after-free',
  text: 'dev->p is followed after it was freed',
  prints: 'BUG: KASAN: slab-use-after-free',
  stops: true,
});
const freedTwice = splat({ kind: 'double-free', text: 'dev->p is freed twice', prints: 'BUG: KASAN: double-free', stops: true });

const privateMachine = setupObject<Private, DevicePrivate>()
  .extend({
    guards: {
      isNull: ({ context }) => context.p === 'NULL',
      isFreed: ({ context }) => context.p === 'freed',
      isLive: ({ context }) => context.p === 'live',
    },
    actions: { allocate: assign({ p: 'live' }), free: assign({ p: 'freed' }), clear: assign({ p: 'NULL' }) },
  })
  .createMachine({
    id: 'device_private',
    context: ({ input }) => input,
    on: {
      load: [{ guard: 'isNull', actions: reply(false) }, { actions: reply(true) }],
      device_private_init: [{ guard: 'isLive', actions: [privateLeaked, done] }, { actions: ['allocate', done] }],
      access: [{ guard: 'isNull', actions: throughNull }, { guard: 'isFreed', actions: throughFreed }, { actions: done }],
      free: [{ guard: 'isNull', actions: done }, { guard: 'isFreed', actions: freedTwice }, { actions: ['free', done] }],
      clear: { actions: ['clear', done] },
    },
  });
export const devicePrivate = () => part<DevicePrivate, Private>(privateMachine, { p: 'NULL' });
