/**
 * include/linux/idr.h: the calls on a struct idr and on a struct ida.
 *
 * An entry is published with rcu_assign_pointer() and found with rcu_dereference(); an ida has a lock of its own.
 */
import type { Handle, Null } from '../../machines/object.ts';
import type { Ida, Idr } from '../../machines/sync/idr.ts';
import { type Meaning, message, type Operation, send } from '../step.ts';
import { spelled } from './spelling.ts';

type Entry = { readonly path: string };

const publishes: Meaning = { kind: 'update', orders: 'release' };
const finds: Meaning = { kind: 'read', orders: 'pointer' };
const locked: Meaning = { kind: 'update', orders: 'both' };

/** More numbers than any scenario takes. */
const INT_MAX = 2147483647;

/**
 * The lowest free number from `start` up to, and without, `end` (0: no end).
 * @returns the number, or -ENOSPC
 */
export const idr_alloc = (to: Handle<Idr>, entry: Entry | Null, start = 0, end = 0): Operation<number> =>
  send<number>(
    message<Idr, 'idr_alloc'>(
      publishes,
      to,
      'idr_alloc',
      { entry, start, end: end > 0 ? end : INT_MAX },
      { c: `idr_alloc(&$, ${spelled(entry)}, ${start}, ${end})` },
    ),
  );

export const idr_find = <E extends Entry>(from: Handle<Idr>, id: number): Operation<E | Null> =>
  send<E | Null>(message<Idr, 'idr_find'>(finds, from, 'idr_find', { id }, { c: `idr_find(&$, ${id})` }));

/** @returns 0, or -ENOENT where nothing has the number */
export const idr_replace = (to: Handle<Idr>, entry: Entry | Null, id: number): Operation<number> =>
  send<number>(
    message<Idr, 'idr_replace'>(publishes, to, 'idr_replace', { id, entry }, { c: `idr_replace(&$, ${spelled(entry)}, ${id})` }),
  );

/** @returns what had the number; nothing is said where nothing had it */
export const idr_remove = <E extends Entry>(from: Handle<Idr>, id: number): Operation<E | Null> =>
  send<E | Null>(message<Idr, 'idr_remove'>('update', from, 'idr_remove', { id }, { c: `idr_remove(&$, ${id})` }));

export const idr_is_empty = (of: Handle<Idr>): Operation<boolean> =>
  send<boolean>(message<Idr, 'idr_is_empty'>('read', of, 'idr_is_empty'));

/** @returns the lowest free number, or -ENOSPC */
export const ida_alloc_range = (from: Handle<Ida>, min: number, max: number): Operation<number> =>
  send<number>(
    message<Ida, 'ida_alloc_range'>(locked, from, 'ida_alloc_range', { min, max }, { c: `ida_alloc_range(&$, ${min}, ${max})` }),
  );

export const ida_alloc = (from: Handle<Ida>): Operation<number> =>
  send<number>(
    message<Ida, 'ida_alloc_range'>(locked, from, 'ida_alloc_range', { min: 0, max: INT_MAX }, { c: 'ida_alloc(&$)' }),
  );

/** The highest number that it may give is `max`. */
export const ida_alloc_max = (from: Handle<Ida>, max: number): Operation<number> =>
  send<number>(
    message<Ida, 'ida_alloc_range'>(locked, from, 'ida_alloc_range', { min: 0, max }, { c: `ida_alloc_max(&$, ${max})` }),
  );

export const ida_free = (to: Handle<Ida>, id: number): Operation =>
  send(message<Ida, 'ida_free'>(locked, to, 'ida_free', { id }, { c: `ida_free(&$, ${id})` }));
