/**
 * struct list_head (include/linux/list.h, lib/list_debug.c, v6.1) with CONFIG_DEBUG_LIST: a ring of entries around a head.
 *
 * `list_head` is the head and knows the order; `list_node` is the part in an entry and knows what its own two pointers
 * hold. A call moves both in one step, because an operation cannot know the neighbours it would have to name: their
 * pointers are kept by the head, which hears of frees so that a write to a freed neighbour is a use after free.
 *
 * What list debug notices is a WARN, and the operation is then left out (without CONFIG_BUG_ON_DATA_CORRUPTION, the
 * default); list_del() poisons the entry all the same. Where it notices nothing (an entry that is added a second time,
 * but not beside itself) the ring is silently broken; here it stays whole, and what would follow is not modelled.
 * `<p>` in a text stands where the kernel prints an address. Before v6.0 a zeroed entry was no text but an oops.
 *
 * Left out: that adding and removing are several stores; splicing and moving, which callers compose.
 */
import { assign } from 'xstate';
import { done, NULL_NAME, part, reply, setupObject, type Splat, splat } from '../object.ts';
import { byName } from './stamp.ts';

/** Any object with a path: an entry, a head or a node. */
type Pointer = { readonly path: string };

export type ListHead = {
  list_add: { with: { entry: Pointer } };
  list_add_tail: { with: { entry: Pointer } };
  list_del: { with: { entry: Pointer } };
  list_del_rcu: { with: { entry: Pointer } };
  list_empty: { reply: boolean };
  /** `head->next`; NULL stands for the head itself, where a walk ends. */
  list_first_entry: { reply: Pointer };
  /** `entry->next` */
  list_next_entry: { with: { entry: Pointer }; reply: Pointer };
};

type HeadContext = {
  /** Names of the structs, in order. */
  entries: readonly string[];
  freed: readonly string[];
  /** What list_del_rcu() took off, with the neighbour that its pointer still leads to. */
  left: readonly (readonly [entry: string, next: string])[];
};

const corruption = (text: string, prints: string | null, stops = false) =>
  splat({ kind: 'list-corruption', text, prints, ...(stops ? { stops } : {}) });
const freedNeighbour = splat({
  kind: 'use-after-free',
  text: 'its neighbour on the list was freed without being taken off',
  prints: 'BUG: KASAN: slab-use-after-free',
  stops: true,
});
const doubleAdd = corruption('it is added beside itself', 'list_add double add: new=<p>, prev=<p>, next=<p>.');
const unseenDoubleAdd = corruption('it is added a second time, which list debug does not see', null);

const neighbours = ({ entries }: HeadContext, entry: string): readonly (string | undefined)[] => {
  const at = entries.indexOf(entry);
  return at < 0 ? [] : [entries[at - 1], entries[at + 1]];
};
const next = ({ entries, left }: HeadContext, entry: string): string => {
  const at = entries.indexOf(entry);
  return (at < 0 ? left.find(([from]) => from === entry)?.[1] : entries[at + 1]) ?? NULL_NAME.at;
};
const without = (context: HeadContext, entry: string): HeadContext => ({
  entries: context.entries.filter((name) => name !== entry),
  freed: context.freed.filter((name) => name !== entry),
  left: context.left.filter(([name]) => name !== entry),
});

const headMachine = setupObject<HeadContext, ListHead>()
  .extend({
    guards: {
      isEmpty: ({ context }) => context.entries.length === 0,
      isListed: ({ context, event }) => 'entry' in event && context.entries.includes(event.entry.at),
      isFirst: ({ context, event }) => 'entry' in event && context.entries[0] === event.entry.at,
      isLast: ({ context, event }) => 'entry' in event && context.entries.at(-1) === event.entry.at,
      firstIsFreed: ({ context }) => context.freed.includes(context.entries[0] ?? ''),
      lastIsFreed: ({ context }) => context.freed.includes(context.entries.at(-1) ?? ''),
      neighbourIsFreed: ({ context, event }) =>
        'entry' in event && neighbours(context, event.entry.at).some((name) => context.freed.includes(name ?? '')),
    },
    actions: {
      prepend: assign(({ context, event }) => {
        if (!('entry' in event)) return {};
        const others = without(context, event.entry.at);
        return { ...others, entries: [event.entry.at, ...others.entries] };
      }),
      append: assign(({ context, event }) => {
        if (!('entry' in event)) return {};
        const others = without(context, event.entry.at);
        return { ...others, entries: [...others.entries, event.entry.at] };
      }),
      remove: assign(({ context, event }) => ('entry' in event ? without(context, event.entry.at) : {})),
      leave: assign(({ context, event }) => {
        if (!('entry' in event)) return {};
        const others = without(context, event.entry.at);
        const left: readonly [string, string] = [event.entry.at, next(context, event.entry.at)];
        return { ...others, left: [...others.left, left].toSorted(byName) };
      }),
      noteFree: assign(({ context, event }) => {
        if (!('entry' in event)) return {};
        const { at } = event.entry;
        const freed = context.entries.filter((name) => name === at || context.freed.includes(name));
        return { freed, left: context.left.filter(([name]) => name !== at) };
      }),
    },
  })
  .createMachine({
    id: 'list_head',
    context: ({ input }) => input,
    on: {
      list_add: [
        { guard: 'firstIsFreed', actions: freedNeighbour },
        { guard: 'isFirst', actions: doubleAdd },
        { guard: 'isListed', actions: unseenDoubleAdd },
        { actions: ['prepend', done] },
      ],
      list_add_tail: [
        { guard: 'lastIsFreed', actions: freedNeighbour },
        { guard: 'isLast', actions: doubleAdd },
        { guard: 'isListed', actions: unseenDoubleAdd },
        { actions: ['append', done] },
      ],
      // What is wrong with an entry that is not listed its own pointers say: see the node.
      list_del: [{ guard: 'neighbourIsFreed', actions: freedNeighbour }, { actions: ['remove', done] }],
      list_del_rcu: [
        { guard: 'neighbourIsFreed', actions: freedNeighbour },
        { guard: 'isListed', actions: ['leave', done] },
        { actions: done },
      ],
      list_empty: [{ guard: 'isEmpty', actions: reply(true) }, { actions: reply(false) }],
      list_first_entry: {
        actions: {
          type: 'answer',
          params: ({ context }) => ({ value: { at: context.entries[0] ?? NULL_NAME.at } }),
        },
      },
      list_next_entry: {
        actions: { type: 'answer', params: ({ context, event }) => ({ value: { at: next(context, event.entry.at) } }) },
      },
      freed: { actions: ['noteFree', done] },
    },
  });

/** @param entries the names of the structs that are on it from the beginning; the node of each then starts `on` it */
export const list_head = (entries: readonly string[] = []) =>
  part<ListHead, HeadContext>(headMachine, { entries, freed: [], left: [] }, { hearsFrees: true });

export type ListNode = {
  INIT_LIST_HEAD: object;
  list_add: { with: { list: Pointer } };
  list_del: { with: { list: Pointer } };
  list_del_init: { with: { list: Pointer } };
  list_del_rcu: { with: { list: Pointer } };
  list_empty: { reply: boolean };
  list_next_entry: { with: { list: Pointer } };
};

type NodeContext = {
  /** The head of the list that it is on. */
  on: string | null;
  /** False while both pointers are NULL, as kzalloc() leaves them. */
  initialised: boolean;
};

const isNull = corruption('it is taken off before its pointers were ever set', 'list_del corruption, <p>->next is NULL');
const isPoison1 = corruption('it is taken off a second time', 'list_del corruption, <p>->next is LIST_POISON1 (<p>)');
const isPoison2 = corruption('it is taken off a second time', 'list_del corruption, <p>->prev is LIST_POISON2 (<p>)');
const onAnother = corruption('it is added while it is on another list, which list debug does not see', null);
const wrongList = corruption('it is on another list than the one that is named', null);
const initialisedInUse = corruption('it is initialised while it is on a list', null);
const walkFaults = corruption(
  'a walk follows the pointer of an entry that was taken off',
  'general protection fault, probably for non-canonical address',
  true,
);
const walkSpins = corruption(
  'a walk stands on an entry that was taken off with list_del_init(), and turns on the spot',
  null,
  true,
);
const walkStrays = corruption('a walk stands on an entry that was moved to another list, and goes on there', null, true);
const walkFromNull: Splat = {
  kind: 'null-deref',
  text: 'a walk follows a pointer that was never set',
  prints: 'BUG: kernel NULL pointer dereference',
  stops: true,
};

const nodeMachine = setupObject<NodeContext, ListNode>()
  .extend({
    guards: { isHere: ({ context, event }) => 'list' in event && context.on === event.list.at },
    actions: {
      link: assign({ on: ({ event, context }) => ('list' in event ? event.list.at : context.on), initialised: true }),
      unlink: assign({ on: null, initialised: true }),
    },
  })
  .createMachine({
    id: 'list_node',
    context: ({ input }) => input,
    initial: 'start',
    on: {
      INIT_LIST_HEAD: { target: '.itself', actions: ['unlink', done] },
      list_add: { target: '.linked', actions: ['link', done] },
      list_empty: { actions: reply(false) },
    },
    states: {
      start: {
        always: [
          { guard: ({ context }) => context.on !== null, target: 'linked', actions: assign({ initialised: true }) },
          { guard: ({ context }) => context.initialised, target: 'itself' },
          { target: 'zeroed' },
        ],
      },
      zeroed: {
        on: {
          list_del: { target: 'poisoned', actions: ['unlink', isNull] },
          list_del_init: { target: 'itself', actions: ['unlink', isNull] },
          list_del_rcu: { actions: isNull },
          list_next_entry: { actions: splat(walkFromNull) },
        },
      },
      itself: {
        on: {
          list_del: { target: 'poisoned', actions: done },
          list_del_init: { actions: done },
          list_del_rcu: { actions: done },
          list_empty: { actions: reply(true) },
          list_next_entry: { actions: walkSpins },
        },
      },
      linked: {
        on: {
          INIT_LIST_HEAD: { actions: initialisedInUse },
          // The head knows whether the kernel notices.
          list_add: [{ guard: 'isHere', actions: done }, { actions: ['link', onAnother] }],
          list_del: [{ guard: 'isHere', target: 'poisoned', actions: ['unlink', done] }, { actions: wrongList }],
          list_del_init: [{ guard: 'isHere', target: 'itself', actions: ['unlink', done] }, { actions: wrongList }],
          list_del_rcu: [{ guard: 'isHere', target: 'left', actions: ['unlink', done] }, { actions: wrongList }],
          list_next_entry: [{ guard: 'isHere', actions: done }, { actions: walkStrays }],
        },
      },
      poisoned: {
        on: {
          list_del: { actions: isPoison1 },
          list_del_init: { target: 'itself', actions: isPoison1 },
          list_del_rcu: { actions: isPoison1 },
          list_next_entry: { actions: walkFaults },
        },
      },
      /** Taken off with list_del_rcu(): readers may still go on from it. */
      left: {
        on: {
          list_del: { target: 'poisoned', actions: isPoison2 },
          list_del_init: { target: 'itself', actions: isPoison2 },
          list_del_rcu: { actions: isPoison2 },
          list_next_entry: { actions: done },
        },
      },
    },
  });

/**
 * @param on the path of the head on whose list it starts
 * @param initialised it was set up with INIT_LIST_HEAD() before the scenario begins
 */
export const list_node = ({ on = null, initialised = false }: Partial<NodeContext> = {}) =>
  part<ListNode, NodeContext>(nodeMachine, { on, initialised });
