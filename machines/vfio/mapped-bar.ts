/**
 * A BAR of a device as its user sees it: mapped, so that a store reaches the device without the kernel, or not, so that it
 * faults. And whether the device has been told to stand still, from when on a store that reaches it is a change that nobody saves.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';

export type MappedBar = {
  /** A store of a virtual CPU through its mapping. Whether it came through; if not it is trapped. */
  mmio_store: { reply: boolean };
  /** A store of the kernel's, on behalf of who was trapped. */
  iowrite: object;
  /** All mappings go; who comes next faults. */
  unmap_mapping_range: object;
  stop: object;
};

type Context = { mapped: boolean; changedAfterStop: boolean };

const machine = setupObject<Context, MappedBar>()
  .extend({
    guards: { isMapped: ({ context }) => context.mapped },
    actions: { unmap: assign({ mapped: false }), change: assign({ changedAfterStop: true }) },
  })
  .createMachine({
    id: 'mapped_bar',
    context: ({ input }) => input,
    initial: 'running',
    on: { unmap_mapping_range: { actions: ['unmap', done] } },
    states: {
      running: {
        on: {
          mmio_store: [{ guard: 'isMapped', actions: reply(true) }, { actions: reply(false) }],
          iowrite: { actions: done },
          stop: { target: 'stopped', actions: done },
        },
      },
      stopped: {
        on: {
          mmio_store: [{ guard: 'isMapped', actions: ['change', reply(true)] }, { actions: reply(false) }],
          iowrite: { actions: ['change', done] },
          stop: { actions: done },
        },
      },
    },
  });

export const mapped_bar = () => part<MappedBar, Context>(machine, { mapped: true, changedAfterStop: false });
