/**
 * fs/kernfs/dir.c and fs/kernfs/file.c, v4.10 to v6.1, with the calls of sysfs upon them: files that user space writes to, and
 * that are removed while it does.
 *
 * Left out: directories, which are part of the names; that opening a file holds it active for a moment, too; of->mutex, as
 * nobody writes twice through one descriptor at once; mmap(), for which draining has a second half; allocations that fail.
 */
import { type Handle, type HandleTo, NULL, type Null } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { KernfsActive, kernfs_node, KernfsTree } from '../../machines/driver-core/kernfs.ts';
import { access, kfree, kzalloc, message, type Operation, send } from '../step.ts';
import { store } from '../sync/memory.ts';
import { ENODEV, ENOENT } from '../vfio/errno.ts';

type Pointer = { readonly path: string };

export interface KernfsNode extends HandleTo<ReturnType<typeof kernfs_node>> {}
/** The part of globals in which the files of sysfs are. */
export type Sysfs = Handle<KernfsTree>;

/** An atomic that is raised unless it is negative; lockdep is told of a trylock. */
const kernfs_get_active = access<KernfsActive, 'kernfs_get_active'>(
  { kind: 'acquire', mode: 'shared', try: true },
  'kernfs_get_active',
);
const kernfs_put_active = access<KernfsActive, 'kernfs_put_active'>({ kind: 'release', mode: 'shared' }, 'kernfs_put_active');

const kernfs_deactivate = access<KernfsActive, 'kernfs_deactivate'>({ kind: 'update', orders: 'both' }, 'kernfs_deactivate', {
  c: 'atomic_add(KN_DEACTIVATED_BIAS, &$)',
});
const kernfs_drain = access<KernfsActive, 'kernfs_drain'>('acquire', 'kernfs_drain', {
  c: 'wait_event(deactivate_waitq, atomic_read(&$) == KN_DEACTIVATED_BIAS)',
});
const kernfs_break_active_protection = access<KernfsActive, 'kernfs_break_active_protection'>(
  { kind: 'release', mode: 'shared' },
  'kernfs_break_active_protection',
);
const kernfs_unbreak_active_protection = access<KernfsActive, 'kernfs_unbreak_active_protection'>(
  { kind: 'acquire', try: true },
  'kernfs_unbreak_active_protection',
);
const wait_for_suicide = access<KernfsActive, 'wait_for_suicide'>('wait', 'wait_for_suicide', {
  c: 'wait for KERNFS_SUICIDED and atomic_read(&$) == KN_DEACTIVATED_BIAS',
});

const kernfs_unlink_sibling = (sysfs: Sysfs, name: string, node: KernfsNode): Operation =>
  send(
    message<KernfsActive, 'kernfs_unlink_sibling'>('release', node.active, 'kernfs_unlink_sibling', undefined, {
      c: `kernfs_unlink_sibling("${name}")`,
    }),
    message<KernfsTree, 'kernfs_unlink_sibling'>('update', sysfs, 'kernfs_unlink_sibling', { name, node }),
  );

const kernfs_find_ns = (sysfs: Sysfs, name: string, c: string): Operation<KernfsNode | Null> =>
  send<KernfsNode | Null>(
    message<KernfsTree, 'kernfs_find_ns'>({ kind: 'read', orders: 'acquire' }, sysfs, 'kernfs_find_ns', { name }, { c }),
  );

function* __kernfs_remove(sysfs: Sysfs, name: string, node: KernfsNode): Operation {
  if (!(yield* kernfs_deactivate(node.active))) return;
  yield* kernfs_drain(node.active);
  yield* kernfs_unlink_sibling(sysfs, name, node);
}

function* kernfs_remove_by_name(sysfs: Sysfs, name: string): Operation {
  const node = yield* kernfs_find_ns(sysfs, name, `kernfs_find_ns("${name}")`);
  if (node !== NULL) yield* __kernfs_remove(sysfs, name, node as KernfsNode);
}

/** @returns whether it was this call that has removed the file */
function* kernfs_remove_self(sysfs: Sysfs, name: string, node: KernfsNode): Operation<boolean> {
  if (!(yield* kernfs_break_active_protection(node.active))) {
    yield* wait_for_suicide(node.active);
    return false;
  }
  yield* kernfs_drain(node.active);
  yield* kernfs_unlink_sibling(sysfs, name, node);
  yield* kernfs_unbreak_active_protection(node.active);
  return true;
}

/** @param memory where the node is allocated */
export function* sysfs_create_file(sysfs: Sysfs, name: string, priv: Pointer, memory: KernfsNode): Operation<number> {
  const node = yield* kzalloc(memory);
  yield* store(node.priv as Handle<Field<Pointer | Null>>, priv);
  const error = yield* send<number>(
    message<KernfsTree, 'kernfs_add_one'>(
      { kind: 'update', orders: 'both' },
      sysfs,
      'kernfs_add_one',
      { name, node },
      { c: `kernfs_add_one("${name}")` },
    ),
  );
  if (error !== 0) yield* kfree(node);
  return error;
}

export const sysfs_remove_file = kernfs_remove_by_name;
export const sysfs_remove_file_self = kernfs_remove_self;

type Method = (node: KernfsNode) => Operation<number>;

/**
 * What a shell does for `echo 1 > file`: open(), write(), close(). The file may be gone by the time that it is opened, and
 * again by the time that it is written to.
 */
export function* echo(sysfs: Sysfs, name: string, method: Method): Operation<number> {
  const node = yield* kernfs_find_ns(sysfs, name, `open("${name}")`);
  if (node === NULL) return -ENOENT;
  const { active } = node as KernfsNode;
  if (!(yield* kernfs_get_active(active))) return -ENODEV;
  const ret = yield* method(node as KernfsNode);
  yield* kernfs_put_active(active);
  return ret;
}
