/**
 * include/linux/list.h: the calls on a struct list_head.
 *
 * list_del() and its kin name the head, which C does not: there the neighbours are found through the entry's own
 * pointers, here the head keeps the order. The entry's struct is the node's path without its last component.
 */
import { handleAt, type Handle, NULL, type Null } from '../../machines/object.ts';
import type { ListHead, ListNode } from '../../machines/sync/list.ts';
import { type Meaning, message, type Operation, send } from '../step.ts';
import { spelled } from './spelling.ts';

type Head = Handle<ListHead>;
type Node = Handle<ListNode>;
type Entry = { readonly path: string };

const entryOf = (node: Node): Entry => handleAt(node.path.slice(0, node.path.lastIndexOf('.')));

/**
 * What leads on from the head is stored with WRITE_ONCE(), so that list_empty() without a lock is no data race; a walk is.
 * What leads back is plain, and so are the pointers of the neighbours: two who change the list tear it.
 */
const marked: Meaning = { kind: 'update', plain: 'beside writers' };
/** Under a lock that is held for this step alone, and is not modelled. */
const locked: Meaning = { kind: 'update', orders: 'both' };
/** rcu_assign_pointer() */
const publishing: Meaning = { kind: 'update', orders: 'release', plain: 'beside writers' };
const plain: Meaning = { kind: 'write', plain: true };
const marking: Meaning = { kind: 'write' };

export const INIT_LIST_HEAD = (node: Node): Operation => send(message<ListNode, 'INIT_LIST_HEAD'>(plain, node, 'INIT_LIST_HEAD'));

const adds =
  (type: 'list_add' | 'list_add_tail', means: Meaning, name: string = type, heads = marked) =>
  (node: Node, head: Head): Operation =>
    send(
      message<ListHead, typeof type>(heads, head, type, { entry: entryOf(node) }, { c: `${name}(&${spelled(node)}, &$)` }),
      message<ListNode, 'list_add'>(means, node, 'list_add', { list: head }),
    );

export const list_add = adds('list_add', plain);
export const list_add_tail = adds('list_add_tail', plain);
/** Readers that come upon the entry have its pointers, which are set before it is published. */
export const list_add_rcu = adds('list_add', marking, 'list_add_rcu', publishing);
export const list_add_tail_rcu = adds('list_add_tail', marking, 'list_add_tail_rcu', publishing);

/** For callers who take a lock for it, and let it go at once. */
export const list_add_tail_locked = adds('list_add_tail', marking, 'list_add_tail', locked);

export const list_del = (node: Node, head: Head): Operation =>
  send(
    message<ListHead, 'list_del'>(marked, head, 'list_del', { entry: entryOf(node) }, { c: `list_del(&${spelled(node)})` }),
    message<ListNode, 'list_del'>(plain, node, 'list_del', { list: head }),
  );

const delsInit =
  (means: Meaning, heads: Meaning) =>
  (node: Node, head: Head): Operation =>
    send(
      message<ListHead, 'list_del'>(heads, head, 'list_del', { entry: entryOf(node) }, { c: `list_del_init(&${spelled(node)})` }),
      message<ListNode, 'list_del_init'>(means, node, 'list_del_init', { list: head }),
    );

export const list_del_init = delsInit(plain, marked);
/** For callers who take a lock for it, and let it go at once. */
export const list_del_init_locked = delsInit(marking, locked);

export const list_del_rcu = (node: Node, head: Head): Operation =>
  send(
    message<ListHead, 'list_del_rcu'>(
      marked,
      head,
      'list_del_rcu',
      { entry: entryOf(node) },
      { c: `list_del_rcu(&${spelled(node)})` },
    ),
    message<ListNode, 'list_del_rcu'>(marking, node, 'list_del_rcu', { list: head }),
  );

/** Of a head: nothing is on the list. Of an entry's node: it was initialised and is on no list. */
export const list_empty = (list: Head | Node): Operation<boolean> =>
  send<boolean>(message<ListHead, 'list_empty'>('read', list as Head, 'list_empty'));

type Reading = 'plain' | 'marked';
const read = (reading: Reading): Meaning =>
  reading === 'plain' ? { kind: 'read', plain: true } : { kind: 'read', orders: 'pointer' };

const first = <E extends Entry>(head: Head, reading: Reading): Operation<E | Null> =>
  send<E | Null>(message<ListHead, 'list_first_entry'>(read(reading), head, 'list_first_entry', undefined, { c: '$.next' }));

/** It goes through the entry's own node, so that an entry that was freed meanwhile is a use after free. */
const after = <E extends Entry>(head: Head, entry: E, member: string, reading: Reading): Operation<E | Null> => {
  const node = handleAt<Node>(`${entry.path}.${member}`);
  return send<E | Null>(
    message<ListHead, 'list_next_entry'>(read(reading), head, 'list_next_entry', { entry }, { c: `${spelled(node)}.next` }),
    message<ListNode, 'list_next_entry'>(read(reading), node, 'list_next_entry', { list: head }),
  );
};

export const list_first_entry_or_null = <E extends Entry>(head: Head): Operation<E | Null> => first<E>(head, 'marked');

type Body<E, R> = (entry: E) => Operation<R>;
type Member<E> = Exclude<keyof E & string, 'path'>;

/**
 * A walk, each pointer read in a step of its own. A body that returns anything but undefined ends it, as `break` and
 * `return` do in C.
 */
const walks = (reading: Reading) =>
  function* <E extends Entry, R>(head: Head, member: Member<E>, body: Body<E, R>): Operation<R | undefined> {
    for (let entry = yield* first<E>(head, reading); entry !== NULL; entry = yield* after(head, entry as E, member, reading)) {
      const result = yield* body(entry as E);
      if (result !== undefined) return result;
    }
    return undefined;
  };

export const list_for_each_entry = walks('plain');
/** For readers under rcu_read_lock(): the pointers are read with READ_ONCE(). */
export const list_for_each_entry_rcu = walks('marked');

/** The next pointer is read before the body, which may take the entry off and free it. */
export function* list_for_each_entry_safe<E extends Entry, R>(
  head: Head,
  member: Member<E>,
  body: Body<E, R>,
): Operation<R | undefined> {
  let entry = yield* first<E>(head, 'plain');
  while (entry !== NULL) {
    const next = yield* after(head, entry as E, member, 'plain');
    const result = yield* body(entry as E);
    if (result !== undefined) return result;
    entry = next;
  }
  return undefined;
}
