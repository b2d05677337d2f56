/** include/linux/file.h, fs/file_table.c: references to a struct file, v6.1. */
import { type Handle, NULL, type Null } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { FileRef } from '../../machines/sync/file.ts';
import { access, type Operation, task_work_add } from '../step.ts';
import { READ_ONCE } from './memory.ts';

export const get_file = access<FileRef, 'get_file'>('get', 'get_file');
/** atomic_long_inc_not_zero(). */
export const get_file_rcu = access<FileRef, 'get_file_rcu'>({ kind: 'get', orders: { true: 'both' } }, 'get_file_rcu');
export const file_count = access<FileRef, 'file_count'>('read', 'file_count');
/** atomic_long_dec_and_test(). */
const put = access<FileRef, 'fput'>({ kind: 'put', orders: 'both' }, 'fput');

/**
 * The reference to a file that an entry of the descriptor table leads to. Between the look at the entry and the
 * reference the file may be closed; it is then NULL, as it would be on the second look of C.
 */
export function* fget<F extends { readonly path: string; readonly f_count: Handle<FileRef> }>(
  fd: Handle<Field<F | Null>>,
): Operation<F | Null> {
  const file = yield* READ_ONCE(fd);
  if (file === NULL) return NULL;
  return (yield* get_file_rcu((file as F).f_count)) ? file : NULL;
}

/**
 * The last put does not release the file here but on the way back to user space, without the caller's locks.
 * @param release what the file's own release function does
 */
export function* fput(file: Handle<FileRef>, release: () => Operation): Operation {
  if (yield* put(file)) yield* task_work_add(release);
}

/** For kernel threads, which never return to user space and are sure that they may release it here. */
export function* __fput_sync(file: Handle<FileRef>, release: () => Operation): Operation {
  if (yield* put(file)) yield* release();
}
