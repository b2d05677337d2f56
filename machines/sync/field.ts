/** A plain field of a struct: it holds the last value that was stored, and starts with one of them. */
import { assign } from 'xstate';
import { done, type Json, type Name, NULL_NAME, type Null, part, setupObject } from '../object.ts';

export type Field<T> = {
  load: { reply: T };
  store: { with: { value: T } };
};

const machine = setupObject<{ value: Json }, Field<Json>>().createMachine({
  id: 'field',
  context: ({ input }) => input,
  on: {
    load: { actions: { type: 'answer', params: ({ context }) => ({ value: context.value }) } },
    store: {
      actions: [assign({ value: ({ context, event }) => (event.type === 'store' ? event.value : context.value) }), done],
    },
  },
});

export const field = <T extends Json>(value: T) => part<Field<T>, { value: T }>(machine, { value });

/** A pointer to another object: an interface, so that two structs may point at each other. */
export const pointer = <T extends { readonly path: string }>(to: Name = NULL_NAME) =>
  part<Field<T | Null>, { value: Name }>(machine, { value: to });

/** An array of such pointers, which is read and stored whole. */
export const pointers = <T extends { readonly path: string }>(to: readonly Name[] = []) =>
  part<Field<readonly (T | Null)[]>, { value: readonly Name[] }>(machine, { value: to });
