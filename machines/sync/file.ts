/**
 * struct file, its reference count (include/linux/fs.h, fs/file_table.c, v6.1): the file is released once, when the last
 * reference is put.
 *
 * It is a bare counter: what is put or got too often the kernel does not notice (up to v6.12), and a splat here says so.
 *
 * Left out: the memory of the struct file. It is freed by RCU, so whoever has found the file may always look at its count:
 * declare it with globals(). That it may come back as another file, which fget() looks out for, is left out, too.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../object.ts';

export type FileRef = {
  get_file: object;
  /** Unless it is 0: for whoever finds the file without holding it. */
  get_file_rcu: { reply: boolean };
  /** Whether that was the last. */
  fput: { reply: boolean };
  file_count: { reply: number };
};

const most = 64;

const revived = splat({ kind: 'refcount', text: 'a reference is taken to a file that is being released', prints: null });
const putTooOften = splat({ kind: 'refcount', text: 'the file is put without a get', prints: null });

type Context = { f_count: number };

const machine = setupObject<Context, FileRef>()
  .extend({
    guards: {
      isZero: ({ context }) => context.f_count === 0,
      isLast: ({ context }) => context.f_count === 1,
    },
    actions: {
      up: assign({ f_count: ({ context }) => context.f_count + 1 }),
      down: assign({ f_count: ({ context }) => context.f_count - 1 }),
    },
  })
  .createMachine({
    id: 'file',
    context: ({ input }) => input,
    on: {
      get_file: [{ guard: 'isZero', actions: revived }, { actions: ['up', done] }],
      get_file_rcu: [{ guard: 'isZero', actions: reply(false) }, { actions: ['up', reply(true)] }],
      fput: [
        { guard: 'isZero', actions: [putTooOften, reply(false)] },
        { guard: 'isLast', actions: ['down', reply(true)] },
        { actions: ['down', reply(false)] },
      ],
      file_count: { actions: { type: 'answer', params: ({ context }) => ({ value: context.f_count }) } },
    },
  });

/** @param f_count the references that exist from the beginning: that of whoever has opened it */
export const file_ref = (f_count = 1) =>
  part<FileRef, Context>(machine, { f_count }, { range: (at) => at.f_count >= 0 && at.f_count <= most });
