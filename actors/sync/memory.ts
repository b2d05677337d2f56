/**
 * Plain and marked accesses to a field (include/asm-generic/rwonce.h, barrier.h). READ_ONCE() and WRITE_ONCE() order
 * nothing, but for what is reached through a pointer that was read.
 */
import type { Handle } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import { message, type Operation, send } from '../step.ts';
import { spelled } from './spelling.ts';

const valueOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'path' in value ? spelled({ path: String(value.path) }) : JSON.stringify(value);

/** `x = object->field` */
export const load = <T>(from: Handle<Field<T>>): Operation<T> =>
  send<T>(message<Field<T>, 'load'>({ kind: 'read', plain: true }, from, 'load', undefined, { c: '$' }));

/** `object->field = value` */
export const store = <T>(to: Handle<Field<T>>, value: T): Operation =>
  send(message<Field<T>, 'store'>({ kind: 'write', plain: true }, to, 'store', { value }, { c: `$ = ${valueOf(value)}` }));

export const READ_ONCE = <T>(from: Handle<Field<T>>): Operation<T> =>
  send<T>(message<Field<T>, 'load'>({ kind: 'read', orders: 'pointer' }, from, 'load', undefined, { c: 'READ_ONCE($)' }));

export const WRITE_ONCE = <T>(to: Handle<Field<T>>, value: T): Operation =>
  send(message<Field<T>, 'store'>('write', to, 'store', { value }, { c: `WRITE_ONCE($, ${valueOf(value)})` }));

export const smp_load_acquire = <T>(from: Handle<Field<T>>): Operation<T> =>
  send<T>(message<Field<T>, 'load'>({ kind: 'read', orders: 'acquire' }, from, 'load', undefined, { c: 'smp_load_acquire(&$)' }));

export const smp_store_release = <T>(to: Handle<Field<T>>, value: T): Operation =>
  send(
    message<Field<T>, 'store'>(
      { kind: 'write', orders: 'release' },
      to,
      'store',
      { value },
      { c: `smp_store_release(&$, ${valueOf(value)})` },
    ),
  );
