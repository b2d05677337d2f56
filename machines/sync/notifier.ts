/**
 * The chain of a struct blocking_notifier_head or of its kin (include/linux/notifier.h, kernel/notifier.c, v6.1): who is
 * to be called, in order. The rwsem or SRCU around it is a part of its own.
 *
 * Left out: priorities, so that the order is that of registration.
 */
import { assign } from 'xstate';
import { NULL_NAME, part, reply, setupObject } from '../object.ts';
import { EEXIST, ENOENT } from './errno.ts';
import { field } from './field.ts';

type Pointer = { readonly path: string };

export type NotifierChain = {
  notifier_chain_register: { with: { block: Pointer }; reply: number };
  notifier_chain_unregister: { with: { block: Pointer }; reply: number };
  /** `nh->head`, and `nb->next` of a block that is on the chain; NULL at the end. */
  head: { reply: Pointer };
  next: { with: { block: Pointer }; reply: Pointer };
};

/** The paths of the blocks. */
type Context = { blocks: readonly string[] };

const after = ({ blocks }: Context, block: string): string => {
  const at = blocks.indexOf(block);
  return (at < 0 ? undefined : blocks[at + 1]) ?? NULL_NAME.at;
};

const machine = setupObject<Context, NotifierChain>()
  .extend({
    guards: { isRegistered: ({ context, event }) => 'block' in event && context.blocks.includes(event.block.at) },
    actions: {
      append: assign({
        blocks: ({ context, event }) => ('block' in event ? [...context.blocks, event.block.at] : context.blocks),
      }),
      remove: assign({
        blocks: ({ context, event }) =>
          'block' in event ? context.blocks.filter((block) => block !== event.block.at) : context.blocks,
      }),
    },
  })
  .createMachine({
    id: 'notifier_chain',
    context: ({ input }) => input,
    on: {
      notifier_chain_register: [{ guard: 'isRegistered', actions: reply(-EEXIST) }, { actions: ['append', reply(0)] }],
      notifier_chain_unregister: [{ guard: 'isRegistered', actions: ['remove', reply(0)] }, { actions: reply(-ENOENT) }],
      head: { actions: { type: 'answer', params: ({ context }) => ({ value: { at: context.blocks[0] ?? NULL_NAME.at } }) } },
      next: { actions: { type: 'answer', params: ({ context, event }) => ({ value: { at: after(context, event.block.at) } }) } },
    },
  });

/** @param blocks the paths of those that are registered from the beginning */
export const notifier_chain = (blocks: readonly string[] = []) => part<NotifierChain, Context>(machine, { blocks });

/** struct notifier_block: the name of the function to call. */
export const notifier_block = (notifier_call: string) => field<string>(notifier_call);
