/**
 * struct rw_semaphore (include/linux/rwsem.h, kernel/locking/rwsem.c, v6.1): a sleeping lock with many readers or one
 * writer, in which a writer that waits for readers holds off all who come to read after it.
 *
 * So `down_write` takes effect before it is granted: it is always enabled and answers whether the lock is held now, or
 * the writer has queued and blocks in `rwsem_down_write_slowpath`. Readers are not queued. One that waits while the lock is
 * written may have come before the writers that wait, too, and is then woken before them; one that comes just when the
 * lock has come free may steal it. So who gets a lock that has come free is the scheduler's choice; only its trylocks see
 * who waits.
 *
 * Left out: downgrade_write(); hand-off, which is a choice of the scheduler, too.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';
import { badUnlock, freedUnderHolder, heldLockFreed } from './lockdep.ts';
import { stamp } from './stamp.ts';

export type Rwsem = {
  down_read: object;
  down_read_trylock: { reply: boolean };
  up_read: object;
  down_write: { reply: boolean };
  rwsem_down_write_slowpath: object;
  /** A writer that is killed leaves the queue. */
  rwsem_del_waiter: object;
  down_write_trylock: { reply: boolean };
  up_write: object;
  rwsem_is_locked: { reply: boolean };
  /** The way out for a reader that waits. */
  signal: object;
};

type Context = {
  writer: string | null;
  /** One entry for each time it is held, in the order of the alphabet, so that two readers commute. */
  readers: readonly string[];
  waitingWriters: number;
};

const machine = setupObject<Context, Rwsem>()
  .extend({
    guards: {
      writerWaits: ({ context }) => context.waitingWriters > 0,
      noWriterWaits: ({ context }) => context.waitingWriters === 0,
      isWriter: ({ context, event }) => context.writer === stamp(event),
      isReader: ({ context, event }) => context.readers.includes(stamp(event)),
      isOnlyReader: ({ context, event }) => context.readers.length === 1 && context.readers[0] === stamp(event),
    },
    actions: {
      write: assign({ writer: ({ event }) => stamp(event) }),
      unwrite: assign({ writer: null }),
      read: assign({ readers: ({ context, event }) => [...context.readers, stamp(event)].toSorted() }),
      unread: assign({
        readers: ({ context, event }) => {
          const at = context.readers.indexOf(stamp(event));
          return context.readers.filter((_, i) => i !== at);
        },
      }),
      queue: assign({ waitingWriters: ({ context }) => context.waitingWriters + 1 }),
      leave: assign({ waitingWriters: ({ context }) => context.waitingWriters - 1 }),
    },
  })
  .createMachine({
    id: 'rwsem',
    context: ({ input }) => input,
    initial: 'free',
    on: {
      down_write: { actions: ['queue', reply(false)] },
      down_read_trylock: { actions: reply(false) },
      down_write_trylock: { actions: reply(false) },
      rwsem_del_waiter: { actions: ['leave', done] },
      rwsem_is_locked: { actions: reply(true) },
      up_read: { actions: badUnlock },
      up_write: { actions: badUnlock },
      kfree: [
        { guard: 'isWriter', actions: heldLockFreed },
        { guard: 'isReader', actions: heldLockFreed },
        { actions: freedUnderHolder },
      ],
    },
    states: {
      free: {
        on: {
          down_read: { target: 'read', actions: ['read', done] },
          down_read_trylock: [
            { guard: 'noWriterWaits', target: 'read', actions: ['read', reply(true)] },
            { actions: reply(false) },
          ],
          down_write: [
            { guard: 'noWriterWaits', target: 'written', actions: ['write', reply(true)] },
            { actions: ['queue', reply(false)] },
          ],
          down_write_trylock: [
            { guard: 'noWriterWaits', target: 'written', actions: ['write', reply(true)] },
            { actions: reply(false) },
          ],
          rwsem_down_write_slowpath: { target: 'written', actions: ['leave', 'write', done] },
          rwsem_is_locked: { actions: reply(false) },
          kfree: { actions: done },
        },
      },
      read: {
        on: {
          down_read: { guard: 'noWriterWaits', actions: ['read', done] },
          signal: { guard: 'writerWaits', actions: done },
          down_read_trylock: [{ guard: 'noWriterWaits', actions: ['read', reply(true)] }, { actions: reply(false) }],
          up_read: [
            { guard: 'isOnlyReader', target: 'free', actions: ['unread', done] },
            { guard: 'isReader', actions: ['unread', done] },
            { actions: badUnlock },
          ],
        },
      },
      written: {
        on: {
          signal: { actions: done },
          up_write: [{ guard: 'isWriter', target: 'free', actions: ['unwrite', done] }, { actions: badUnlock }],
        },
      },
    },
  });

export const rwsem = () => part<Rwsem, Context>(machine, { writer: null, readers: [], waitingWriters: 0 });
