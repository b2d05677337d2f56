/**
 * struct klist (include/linux/klist.h, lib/klist.c), the same from v4.10 to v6.1: a list that may be walked while entries
 * are removed. A walk holds the entry on which it stands; one that is removed meanwhile stays, dead, until the walk has gone
 * on. Each call is one section under k_lock, and so one step.
 */
import { assign } from 'xstate';
import { done, type Name, NULL_NAME, part, reply, setupObject } from '../object.ts';

type Pointer = { readonly path: string };

/** The replies tell who is off the list now, for whose sake the caller puts what it was. */
export type Klist = {
  klist_add_tail: { with: { entry: Pointer } };
  klist_next: { with: { entry: Pointer }; reply: { readonly next: Pointer; readonly gone: boolean } };
  klist_iter_exit: { with: { entry: Pointer }; reply: boolean };
  klist_del: { with: { entry: Pointer }; reply: boolean };
};

type Entry = { readonly name: string; readonly refs: number; readonly dead: boolean };
type Entries = { readonly entries: readonly Entry[] };

const nameOf = (event: object): string => ('entry' in event ? (event.entry as Name).at : NULL_NAME.at);
const put = (entries: readonly Entry[], name: string): readonly Entry[] =>
  entries.flatMap((entry) => (entry.name !== name ? [entry] : entry.refs > 1 ? [{ ...entry, refs: entry.refs - 1 }] : []));
const after = ({ entries }: Entries, name: string): Entry | undefined =>
  entries.slice(entries.findIndex((entry) => entry.name === name) + 1).find(({ dead }) => !dead);

const machine = setupObject<Entries, Klist>()
  .extend({
    guards: {
      isLast: ({ context, event }) => context.entries.some(({ name, refs }) => name === nameOf(event) && refs === 1),
    },
    actions: {
      add: assign({ entries: ({ context, event }) => [...context.entries, { name: nameOf(event), refs: 1, dead: false }] }),
      goOn: assign({
        entries: ({ context, event }) => {
          const next = after(context, nameOf(event));
          const held = context.entries.map((entry) => (entry === next ? { ...entry, refs: entry.refs + 1 } : entry));
          return put(held, nameOf(event));
        },
      }),
      kill: assign({
        entries: ({ context, event }) =>
          context.entries.map((entry) => (entry.name === nameOf(event) ? { ...entry, dead: true } : entry)),
      }),
      put: assign({ entries: ({ context, event }) => put(context.entries, nameOf(event)) }),
    },
  })
  .createMachine({
    id: 'klist',
    context: ({ input }) => input,
    on: {
      klist_add_tail: { actions: ['add', done] },
      klist_next: {
        actions: [
          {
            type: 'answer',
            params: ({ context, event }) => ({
              value: {
                next: { at: after(context, nameOf(event))?.name ?? NULL_NAME.at },
                gone: context.entries.some(({ name, refs }) => name === nameOf(event) && refs === 1),
              },
            }),
          },
          'goOn',
        ],
      },
      klist_iter_exit: [{ guard: 'isLast', actions: ['put', reply(true)] }, { actions: ['put', reply(false)] }],
      klist_del: [{ guard: 'isLast', actions: ['kill', 'put', reply(true)] }, { actions: ['kill', 'put', reply(false)] }],
    },
  });

export const klist = () => part<Klist, Entries>(machine, { entries: [] });
