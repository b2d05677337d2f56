/**
 * struct idr and struct ida (include/linux/idr.h, lib/idr.c, v6.1): small numbers that stand for objects, or for nothing.
 *
 * The lowest free number is given first. What an idr holds is a name: an object that is freed while its number is still
 * there is found, and to touch it is the use after free.
 *
 * Left out: allocations that fail, which callers choose; idr_alloc_cyclic(); more numbers than `most`.
 */
import { assign } from 'xstate';
import { done, type Name, NULL_NAME, part, reply, setupObject } from '../object.ts';
import { ENOENT, ENOSPC } from './errno.ts';

const most = 64;

/** @returns -1 where none of them is free */
const lowestFree = (isTaken: (id: number) => boolean, start: number, end: number): number => {
  for (let id = start; id < end; id++) if (!isTaken(id)) return id;
  return -1;
};

type Pointer = { readonly path: string };

export type Idr = {
  idr_alloc: { with: { entry: Pointer; start: number; end: number }; reply: number };
  idr_find: { with: { id: number }; reply: Pointer };
  idr_replace: { with: { id: number; entry: Pointer }; reply: number };
  idr_remove: { with: { id: number }; reply: Pointer };
  idr_is_empty: { reply: boolean };
};

type Context = { readonly entries: { readonly [id: number]: Name } };

/** What the event finds under its number. */
const entry = {
  type: 'answer',
  params: ({ context, event }: { context: Context; event: { id: number } }) => ({
    value: { at: (context.entries[event.id] ?? NULL_NAME).at },
  }),
} as const;

const has = ({ entries }: Context, id: number): boolean => entries[id] !== undefined;

const idrMachine = setupObject<Context, Idr>()
  .extend({
    guards: {
      isFull: ({ context, event }) =>
        event.type === 'idr_alloc' && lowestFree((id) => has(context, id), event.start, event.end) < 0,
      isAbsent: ({ context, event }) => 'id' in event && !has(context, event.id),
    },
    actions: {
      insert: assign(({ context, event }) => {
        if (event.type !== 'idr_alloc') return {};
        const id = lowestFree((taken) => has(context, taken), event.start, event.end);
        return { entries: { ...context.entries, [id]: event.entry } };
      }),
      replace: assign(({ context, event }) =>
        event.type === 'idr_replace' ? { entries: { ...context.entries, [event.id]: event.entry } } : {},
      ),
      remove: assign(({ context, event }) => {
        if (event.type !== 'idr_remove') return {};
        const { [event.id]: _gone, ...entries } = context.entries;
        return { entries };
      }),
    },
  })
  .createMachine({
    id: 'idr',
    context: ({ input }) => input,
    on: {
      idr_alloc: [
        { guard: 'isFull', actions: reply(-ENOSPC) },
        {
          actions: [
            {
              type: 'answer',
              params: ({ context, event }) => ({ value: lowestFree((id) => has(context, id), event.start, event.end) }),
            },
            'insert',
          ],
        },
      ],
      idr_find: { actions: entry },
      idr_replace: [{ guard: 'isAbsent', actions: reply(-ENOENT) }, { actions: ['replace', reply(0)] }],
      idr_remove: { actions: [entry, 'remove'] },
      idr_is_empty: {
        actions: { type: 'answer', params: ({ context }) => ({ value: Object.keys(context.entries).length === 0 }) },
      },
    },
  });

/** @param entries what it holds from the beginning, by number */
export const idr = (entries: { readonly [id: number]: Name } = {}) =>
  part<Idr, Context>(idrMachine, { entries }, { range: (at) => Object.keys(at.entries).every((id) => Number(id) < most) });

export type Ida = {
  ida_alloc_range: { with: { min: number; max: number }; reply: number };
  ida_free: { with: { id: number } };
};

type IdaContext = { readonly ids: readonly number[] };

const idaMachine = setupObject<IdaContext, Ida>()
  .extend({
    guards: {
      isFull: ({ context, event }) =>
        event.type === 'ida_alloc_range' && lowestFree((id) => context.ids.includes(id), event.min, event.max + 1) < 0,
      isAbsent: ({ context, event }) => 'id' in event && !context.ids.includes(event.id),
    },
    actions: {
      insert: assign(({ context, event }) => {
        if (event.type !== 'ida_alloc_range') return {};
        const id = lowestFree((taken) => context.ids.includes(taken), event.min, event.max + 1);
        return { ids: [...context.ids, id].toSorted((a, b) => a - b) };
      }),
      remove: assign(({ context, event }) => ('id' in event ? { ids: context.ids.filter((id) => id !== event.id) } : {})),
    },
  })
  .createMachine({
    id: 'ida',
    context: ({ input }) => input,
    on: {
      ida_alloc_range: [
        { guard: 'isFull', actions: reply(-ENOSPC) },
        {
          actions: [
            {
              type: 'answer',
              params: ({ context, event }) => ({
                value: lowestFree((id) => context.ids.includes(id), event.min, event.max + 1),
              }),
            },
            'insert',
          ],
        },
      ],
      ida_free: [
        {
          guard: 'isAbsent',
          actions: {
            type: 'splat',
            params: ({ event }) => ({
              kind: 'warn' as const,
              text: `id ${event.id} is freed and was not allocated`,
              prints: `ida_free called for id=${event.id} which is not allocated.`,
            }),
          },
        },
        { actions: ['remove', done] },
      ],
    },
  });

export const ida = (ids: readonly number[] = []) =>
  part<Ida, IdaContext>(idaMachine, { ids }, { range: (at) => at.ids.every((id) => id < most) });
