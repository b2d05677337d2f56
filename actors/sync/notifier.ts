/** include/linux/notifier.h, kernel/notifier.c: the calls on notifier chains, v6.1. */
import { type Handle, NULL, type Null } from '../../machines/object.ts';
import { EEXIST } from '../../machines/sync/errno.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { NotifierChain } from '../../machines/sync/notifier.ts';
import type { Rwsem } from '../../machines/sync/rwsem.ts';
import { access, message, type Operation, send, WARN } from '../step.ts';
import { load } from './memory.ts';
import { down_read, down_write, up_read, up_write } from './rwsem.ts';
import { spelled } from './spelling.ts';

export const NOTIFY_DONE = 0x0000;
export const NOTIFY_OK = 0x0001;
export const NOTIFY_STOP_MASK = 0x8000;
export const NOTIFY_BAD = NOTIFY_STOP_MASK | 0x0002;
export const NOTIFY_STOP = NOTIFY_OK | NOTIFY_STOP_MASK;

type Block = Handle<Field<string>>;
type Chain = Handle<NotifierChain>;
/** struct blocking_notifier_head: two parts of the struct that it is embedded in. */
export interface BlockingNotifierHead {
  readonly rwsem: Handle<Rwsem>;
  readonly head: Chain;
}
/** What a function of this name does. */
export type Callbacks = { readonly [notifier_call: string]: (block: Block, action: number, data: unknown) => Operation<number> };

const registers = access<NotifierChain, 'notifier_chain_register'>(
  { kind: 'update', orders: 'release' },
  'notifier_chain_register',
);
const unregisters = access<NotifierChain, 'notifier_chain_unregister'>('update', 'notifier_chain_unregister');
const follows = { kind: 'read', orders: 'pointer' } as const;
const head = access<NotifierChain, 'head'>(follows, 'head', { c: '$.head' });

/** It goes through the block, so that one that was freed without being unregistered is a use after free. */
const next = (chain: Chain, block: Block): Operation<Block | Null> =>
  send<Block | Null>(
    message<NotifierChain, 'next'>(follows, chain, 'next', { block }, { c: `${spelled(block)}.next` }),
    message<Field<string>, 'load'>('read', block, 'load'),
  );

/** Up to v5.15 the text is "double register detected" and the call succeeds. */
function* registerIn(chain: Chain, block: Block): Operation<number> {
  const error = yield* registers(chain, { block });
  if (error === -EEXIST) yield* WARN(true, `notifier callback ${yield* load(block)} already registered`);
  return error;
}

/** Calls who is registered, in order, until one says stop. @returns what the last of them said */
function* callEach(chain: Chain, callbacks: Callbacks, action: number, data: unknown): Operation<number> {
  let result = NOTIFY_DONE;
  let block: Block | Null = yield* head(chain);
  while (block !== NULL) {
    const following: Block | Null = yield* next(chain, block);
    const name = yield* load(block);
    const callback = callbacks[name];
    if (callback === undefined) throw new RangeError(`no operation is given for the notifier callback "${name}"`);
    result = yield* callback(block, action, data);
    if (result & NOTIFY_STOP_MASK) break;
    block = following;
  }
  return result;
}

/** @returns 0, or -EEXIST */
export function* blocking_notifier_chain_register(nh: BlockingNotifierHead, nb: Block): Operation<number> {
  yield* down_write(nh.rwsem);
  const result = yield* registerIn(nh.head, nb);
  yield* up_write(nh.rwsem);
  return result;
}

/** @returns 0, or -ENOENT */
export function* blocking_notifier_chain_unregister(nh: BlockingNotifierHead, nb: Block): Operation<number> {
  yield* down_write(nh.rwsem);
  const result = yield* unregisters(nh.head, { block: nb });
  yield* up_write(nh.rwsem);
  return result;
}

/** An empty chain is not even locked. @param callbacks what the functions that the blocks name do */
export function* blocking_notifier_call_chain(
  nh: BlockingNotifierHead,
  callbacks: Callbacks,
  action: number,
  data: unknown = null,
): Operation<number> {
  if ((yield* head(nh.head)) === NULL) return NOTIFY_DONE;
  yield* down_read(nh.rwsem);
  const result = yield* callEach(nh.head, callbacks, action, data);
  yield* up_read(nh.rwsem);
  return result;
}

/** Without a lock: the caller has one. */
export const raw_notifier_chain_register = registerIn;
export const raw_notifier_chain_unregister = (chain: Chain, block: Block): Operation<number> => unregisters(chain, { block });
export const raw_notifier_call_chain = callEach;
