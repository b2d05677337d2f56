/**
 * include/linux/module.h, kernel/module/main.c: the calls on a struct module, v6.1. They order what the atomics order that
 * they are: atomic_inc_not_zero(), atomic_inc(), atomic_dec_if_positive().
 */
import { type Handle, NULL, type Null } from '../../machines/object.ts';
import { EAGAIN, EBUSY } from '../../machines/sync/errno.ts';
import type { Module } from '../../machines/sync/module.ts';
import { access, message, type Operation, send } from '../step.ts';

const tryGet = access<Module, 'try_module_get'>({ kind: 'get', orders: { true: 'both' } }, 'try_module_get');
const get = access<Module, '__module_get'>('get', '__module_get');
const put = access<Module, 'module_put'>({ kind: 'put', orders: 'both' }, 'module_put');
export const module_refcount = access<Module, 'module_refcount'>('read', 'module_refcount');

/** A jump into the code of a module, or a look at what lies in its memory, as the C code spells it. */
export const module_text = (module: Handle<Module>, c: string): Operation =>
  send(message<Module, 'text'>('read', module, 'text', undefined, { c }));

/** @returns whether it is now held; what is built in has no module, and is always held */
export function* try_module_get(module: Handle<Module> | Null): Operation<boolean> {
  return module === NULL || (yield* tryGet(module));
}

export function* __module_get(module: Handle<Module> | Null): Operation {
  if (module !== NULL) yield* get(module);
}

export function* module_put(module: Handle<Module> | Null): Operation {
  if (module !== NULL) yield* put(module);
}

const sub = access<Module, 'atomic_sub_return'>({ kind: 'update', orders: 'both' }, 'atomic_sub_return', {
  c: 'atomic_sub_return(MODULE_REF_BASE, &$.refcnt)',
});
const add = access<Module, 'atomic_add_unless'>({ kind: 'update', orders: { true: 'both' } }, 'atomic_add_unless', {
  c: 'atomic_add_unless(&$.refcnt, MODULE_REF_BASE, 0)',
});
const going = access<Module, 'MODULE_STATE_GOING'>('write', 'MODULE_STATE_GOING', { c: '$.state = MODULE_STATE_GOING' });
const free_module = access<Module, 'free_module'>('free', 'free_module');

/**
 * The system call behind rmmod. Not modelled: module_mutex, beyond that two cannot unload one module at once.
 * @param exit the module's own exit function
 * @returns 0, -EWOULDBLOCK while others hold it, -EBUSY where another has unloaded it
 */
export function* delete_module(module: Handle<Module>, exit: () => Operation<unknown>): Operation<number> {
  const others = yield* sub(module);
  if (others < 0) return -EBUSY;
  if (others > 0 && (yield* add(module))) return -EAGAIN;
  yield* going(module);
  yield* exit();
  yield* free_module(module);
  return 0;
}
