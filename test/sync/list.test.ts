/** A struct list_head with list debug: its order, its walks, and what wrong use of it looks like. */
import test from 'ava';
import {
  INIT_LIST_HEAD,
  list_add,
  list_add_rcu,
  list_add_tail,
  list_del,
  list_del_init,
  list_del_rcu,
  list_empty,
  list_first_entry_or_null,
  list_for_each_entry,
  list_for_each_entry_rcu,
  list_for_each_entry_safe,
} from '../../actors/sync/list.ts';
import { type Handle, handleAt, NULL } from '../../machines/object.ts';
import { type ListHead, type ListNode, list_head, list_node } from '../../machines/sync/list.ts';
import { Objects, Subject } from './subject.ts';

type Device = { readonly path: string; readonly next: Handle<ListNode> };
const [a, b, c] = ['a', 'b', 'c'].map((name) => handleAt<Device>(name)) as [Device, Device, Device];
const head: Handle<ListHead> = handleAt('group.list');
const other: Handle<ListHead> = handleAt('other.list');

const KASAN = 'use-after-free: BUG: KASAN: slab-use-after-free (stops)';
const SILENT = 'list-corruption: (silence)';
const DOUBLE_ADD = 'list-corruption: list_add double add: new=<p>, prev=<p>, next=<p>.';
const POISON1 = 'list-corruption: list_del corruption, <p>->next is LIST_POISON1 (<p>)';
const POISON2 = 'list-corruption: list_del corruption, <p>->prev is LIST_POISON2 (<p>)';
const NEXT_NULL = 'list-corruption: list_del corruption, <p>->next is NULL';
const FAULT = 'list-corruption: general protection fault, probably for non-canonical address (stops)';

/** A list with these entries, and one more without. All nodes were initialised. */
const listOf = (...names: string[]) =>
  new Objects({
    'group.list': list_head(names),
    'other.list': list_head(),
    ...Object.fromEntries(
      ['a', 'b', 'c'].map((name) => [
        `${name}.next`,
        list_node(names.includes(name) ? { on: 'group.list' } : { initialised: true }),
      ]),
    ),
  });

const entries = (objects: Objects, path = 'group.list') => (objects.at(path).context as { entries: string[] }).entries;

const walked = (objects: Objects, walk: typeof list_for_each_entry = list_for_each_entry) => {
  const seen: string[] = [];
  const { result, steps } = objects.run(
    'walker',
    walk(head, 'next', function* (entry: Device) {
      seen.push(entry.path);
    }),
  );
  return { seen, result, steps };
};

test('list_add puts an entry first, list_add_tail last', (t) => {
  const objects = listOf('b');
  objects.run('t', list_add(a.next, head));
  objects.run('t', list_add_tail(c.next, head));
  t.deepEqual(entries(objects), ['a', 'b', 'c']);
  t.deepEqual(objects.splats, []);
});

test('head and node move in one step', (t) => {
  const objects = listOf();
  t.deepEqual(objects.run('t', list_add(a.next, head)).steps, ['list_add']);
  t.is(objects.at('a.next').state, 'linked');
  t.deepEqual(objects.run('t', list_del(a.next, head)).steps, ['list_del']);
  t.is(objects.at('a.next').state, 'poisoned');
});

test('a node names its list while it is on it, and only then', (t) => {
  const objects = listOf('a', 'b');
  const node = () => objects.at('a.next').context;
  t.deepEqual(node(), { on: 'group.list', initialised: true });
  for (const remove of [list_del, list_del_init, list_del_rcu]) {
    objects.run('t', remove(a.next, head));
    t.deepEqual(node(), { on: null, initialised: true });
    objects.run('t', list_add(a.next, head));
  }
  t.deepEqual(node(), { on: 'group.list', initialised: true });
  t.deepEqual(objects.splats, []);
});

const nodeIn = {
  zeroed: [],
  itself: ['INIT_LIST_HEAD'],
  linked: ['list_add'],
  poisoned: ['list_add', 'list_del'],
  left: ['list_add', 'list_del_rcu'],
} as const;

/** What each call makes of a node's own pointers. */
const ofNodes: Readonly<Record<keyof typeof nodeIn, Readonly<Record<string, readonly [to: string, says: unknown]>>>> = {
  zeroed: {
    INIT_LIST_HEAD: ['itself', null],
    list_add: ['linked', null],
    list_del: ['poisoned', NEXT_NULL],
    list_del_init: ['itself', NEXT_NULL],
    list_del_rcu: ['zeroed', NEXT_NULL],
    list_empty: ['zeroed', false],
  },
  itself: {
    INIT_LIST_HEAD: ['itself', null],
    list_add: ['linked', null],
    list_del: ['poisoned', null],
    list_del_init: ['itself', null],
    list_del_rcu: ['itself', null],
    list_empty: ['itself', true],
  },
  linked: {
    INIT_LIST_HEAD: ['linked', SILENT],
    list_add: ['linked', null],
    list_del: ['poisoned', null],
    list_del_init: ['itself', null],
    list_del_rcu: ['left', null],
    list_empty: ['linked', false],
  },
  poisoned: {
    INIT_LIST_HEAD: ['itself', null],
    list_add: ['linked', null],
    list_del: ['poisoned', POISON1],
    list_del_init: ['itself', POISON1],
    list_del_rcu: ['poisoned', POISON1],
    list_empty: ['poisoned', false],
  },
  left: {
    INIT_LIST_HEAD: ['itself', null],
    list_add: ['linked', null],
    list_del: ['poisoned', POISON2],
    list_del_init: ['itself', POISON2],
    list_del_rcu: ['left', POISON2],
    list_empty: ['left', false],
  },
};

for (const [from, calls] of Object.entries(ofNodes))
  for (const [call, [to, says]] of Object.entries(calls))
    test(`${call} makes a node that is ${from} one that is ${to}`, (t) => {
      const node = new Subject(list_node());
      const list = { list: { at: 'group.list' } };
      for (const event of nodeIn[from as keyof typeof nodeIn]) node.say(event, list);
      const { initialised } = node.context as { initialised: boolean };
      t.deepEqual(node.tell([call, list]), [says]);
      t.is(node.state, to);
      t.deepEqual(node.context, { on: to === 'linked' ? 'group.list' : null, initialised: initialised || to !== 'zeroed' });
    });

for (const call of ['list_del', 'list_del_init', 'list_del_rcu'])
  test(`${call} that names another list leaves the node on its own`, (t) => {
    const node = new Subject(list_node({ on: 'group.list' }));
    t.deepEqual(node.tell([call, { list: { at: 'other.list' } }]), [SILENT]);
    t.deepEqual([node.state, node.context], ['linked', { on: 'group.list', initialised: true }]);
  });

test('a node that is added to another list is on that one afterwards', (t) => {
  const node = new Subject(list_node({ on: 'group.list' }));
  t.deepEqual(node.tell(['list_add', { list: { at: 'other.list' } }]), [SILENT]);
  t.deepEqual(node.context, { on: 'other.list', initialised: true });
});

test('list_empty asks of a head whether it has entries, of a node whether it is on no list', (t) => {
  const objects = listOf('a');
  const empty = (list: Handle<ListHead> | Handle<ListNode>) => objects.run('t', list_empty(list)).result;
  t.deepEqual([empty(head), empty(a.next), empty(b.next)], [false, false, true]);
  objects.run('t', list_del_init(a.next, head));
  t.deepEqual([empty(head), empty(a.next)], [true, true]);
  objects.run('t', list_add(a.next, head));
  objects.run('t', list_del(a.next, head));
  t.false(empty(a.next), 'a poisoned node does not point at itself');
});

test('a node of zeroed memory is not empty, and is once it was initialised', (t) => {
  const objects = new Objects({ 'a.next': list_node() });
  t.false(objects.run('t', list_empty(a.next)).result);
  objects.run('t', INIT_LIST_HEAD(a.next));
  t.true(objects.run('t', list_empty(a.next)).result);
});

test('list_first_entry_or_null is the first entry, or NULL', (t) => {
  t.is(listOf('b', 'a').run('t', list_first_entry_or_null(head)).result, b);
  t.is(listOf().run('t', list_first_entry_or_null(head)).result, NULL);
});

const wrongUses: readonly [
  name: string,
  objects: () => Objects,
  use: (objects: Objects) => void,
  splats: string[],
  left: string[],
][] = [
  [
    'an entry is added beside itself at the front',
    () => listOf('a', 'b'),
    (o) => o.run('t', list_add(a.next, head)),
    [DOUBLE_ADD],
    ['a', 'b'],
  ],
  [
    'an entry is added beside itself at the end',
    () => listOf('a', 'b'),
    (o) => o.run('t', list_add_tail(b.next, head)),
    [DOUBLE_ADD],
    ['a', 'b'],
  ],
  [
    'an entry is added again at the other end',
    () => listOf('a', 'b'),
    (o) => o.run('t', list_add(b.next, head)),
    [SILENT],
    ['a', 'b'],
  ],
  [
    'an entry is added again in the middle',
    () => listOf('a', 'b'),
    (o) => o.run('t', list_add_tail(a.next, head)),
    [SILENT],
    ['a', 'b'],
  ],
  ['an entry of one list is added to another', () => listOf('a'), (o) => o.run('t', list_add(a.next, other)), [SILENT], ['a']],
  [
    'an entry is taken off twice',
    () => listOf('a', 'b'),
    (o) => {
      o.run('t', list_del(a.next, head));
      o.run('t', list_del(a.next, head));
    },
    [POISON1],
    ['b'],
  ],
  ['an entry that never was on a list is taken off', () => listOf('b'), (o) => o.run('t', list_del(a.next, head)), [], ['b']],
  [
    'an entry of zeroed memory is taken off',
    () => new Objects({ 'group.list': list_head(), 'a.next': list_node() }),
    (o) => o.run('t', list_del(a.next, head)),
    [NEXT_NULL],
    [],
  ],
  [
    'an entry is taken off that readers may still stand on',
    () => listOf('a', 'b'),
    (o) => {
      o.run('t', list_del_rcu(a.next, head));
      o.run('t', list_del(a.next, head));
    },
    [POISON2],
    ['b'],
  ],
  ['an entry on a list is initialised', () => listOf('a'), (o) => o.run('t', INIT_LIST_HEAD(a.next)), [SILENT], ['a']],
  ['the wrong list is named', () => listOf('a'), (o) => o.run('t', list_del(a.next, other)), [SILENT], ['a']],
];

for (const [name, objects, use, splats, left] of wrongUses)
  test(`where ${name}, the kernel says ${JSON.stringify(splats)} and the list is [${left.join(' ')}]`, (t) => {
    const it = objects();
    use(it);
    t.deepEqual(it.splats, splats);
    t.deepEqual(entries(it), left);
  });

test('list_del poisons the entry also where list debug has complained', (t) => {
  const objects = new Objects({ 'group.list': list_head(), 'a.next': list_node() });
  objects.run('t', list_del(a.next, head));
  t.deepEqual([objects.at('a.next').state, objects.at('a.next').context], ['poisoned', { on: null, initialised: true }]);
});

test('after list_del_init an entry may be taken off again in silence', (t) => {
  const objects = listOf('a');
  objects.run('t', list_del_init(a.next, head));
  objects.run('t', list_del_init(a.next, head));
  t.deepEqual(objects.splats, []);
  t.is(objects.at('a.next').state, 'itself');
});

const nextToFreed: readonly [name: string, use: (o: Objects) => void, splats: string[]][] = [
  ['list_add writes to the first', (o) => o.run('t', list_add(c.next, head)), [KASAN]],
  ['list_add_tail writes to the last, which lives', (o) => o.run('t', list_add_tail(c.next, head)), []],
  ['list_del writes to its neighbour', (o) => o.run('t', list_del(b.next, head)), [KASAN]],
  ['list_del_rcu writes to its neighbour', (o) => o.run('t', list_del_rcu(b.next, head)), [KASAN]],
];

for (const [name, use, splats] of nextToFreed)
  test(`with the first of two entries freed, ${name}: ${splats.length === 0 ? 'nothing' : 'a use after free'}`, (t) => {
    const objects = listOf('a', 'b');
    objects.free('a');
    use(objects);
    t.deepEqual(objects.splats, splats);
  });

test('which of its entries were freed it remembers while others come and go', (t) => {
  const objects = listOf('a', 'b', 'c');
  objects.free('c');
  objects.run('t', list_del(a.next, head));
  objects.run('t', list_add_tail(a.next, head));
  t.deepEqual(objects.splats, [KASAN]);
});

test('what was taken off with list_del_rcu it forgets when that is freed, and only that', (t) => {
  const objects = listOf('a', 'b', 'c');
  objects.run('t', list_del_rcu(a.next, head));
  objects.run('t', list_del_rcu(b.next, head));
  objects.free('a');
  t.deepEqual(objects.at('group.list').context, { entries: ['c'], freed: [], left: [['b', 'c']] });
});

test('list_del_rcu of what is not on the list leaves nothing behind', (t) => {
  const objects = listOf('a');
  objects.run('t', list_del_rcu(b.next, head));
  t.deepEqual(objects.at('group.list').context, { entries: ['a'], freed: [], left: [] });
});

test('a free of what is not on the list changes nothing', (t) => {
  const objects = listOf('a');
  const before = JSON.stringify(objects.at('group.list').context);
  objects.free('c');
  t.is(JSON.stringify(objects.at('group.list').context), before);
});

test('a walk sees the entries in order, and reads each pointer in a step of its own', (t) => {
  const { seen, result, steps } = walked(listOf('a', 'b', 'c'));
  t.deepEqual(seen, ['a', 'b', 'c']);
  t.deepEqual(steps, ['list_first_entry', 'list_next_entry', 'list_next_entry', 'list_next_entry']);
  t.is(result, undefined);
});

test('a walk of an empty list is one step', (t) => {
  t.deepEqual(walked(listOf()).steps, ['list_first_entry']);
});

test('a body that returns something ends the walk with it', (t) => {
  const { result, steps } = listOf('a', 'b', 'c').run(
    't',
    list_for_each_entry(head, 'next', function* (entry: Device) {
      return entry.path === 'b' ? entry : undefined;
    }),
  );
  t.is(result, b);
  t.deepEqual(steps, ['list_first_entry', 'list_next_entry']);
});

/** A walker that has seen `a` and stands before `a->next` when something happens. */
const onTheFirst = (walk: typeof list_for_each_entry, meanwhile: (objects: Objects) => void, ...names: string[]) => {
  const objects = listOf(...names);
  const seen: string[] = [];
  const walker = objects.start(
    'walker',
    walk(head, 'next', function* (entry: Device) {
      seen.push(entry.path);
    }),
  );
  walker.step();
  meanwhile(objects);
  walker.go();
  return { seen, splats: objects.splats, status: walker.status };
};

test('a walk that stands on an entry which was freed is a use after free', (t) => {
  const freed = onTheFirst(list_for_each_entry, (o) => o.free('a'), 'a', 'b');
  t.deepEqual(freed, { seen: ['a'], splats: [KASAN], status: 'stopped' });
});

test('a walk that stands on an entry which was taken off follows the poison', (t) => {
  const deleted = onTheFirst(list_for_each_entry, (o) => o.run('t', list_del(a.next, head)), 'a', 'b');
  t.deepEqual(deleted, { seen: ['a'], splats: [FAULT], status: 'stopped' });
});

test('a walk that stands on an entry which was taken off with list_del_init turns on the spot', (t) => {
  const deleted = onTheFirst(list_for_each_entry, (o) => o.run('t', list_del_init(a.next, head)), 'a', 'b');
  t.deepEqual(deleted, { seen: ['a'], splats: [`${SILENT} (stops)`], status: 'stopped' });
});

test('a walk that stands on an entry which was moved strays onto the other list', (t) => {
  const move = (o: Objects) => {
    o.run('t', list_del_init(a.next, head));
    o.run('t', list_add(a.next, other));
  };
  t.deepEqual(onTheFirst(list_for_each_entry, move, 'a', 'b'), { seen: ['a'], splats: [`${SILENT} (stops)`], status: 'stopped' });
});

test('a walk that stands on an entry of zeroed memory follows NULL', (t) => {
  const objects = new Objects({ 'group.list': list_head(['a']), 'a.next': list_node() });
  objects.run(
    't',
    list_for_each_entry(head, 'next', function* (_entry: Device) {}),
  );
  t.deepEqual(objects.splats, ['null-deref: BUG: kernel NULL pointer dereference (stops)']);
});

test('a reader that stands on an entry which was taken off with list_del_rcu goes on from it', (t) => {
  const deleted = onTheFirst(list_for_each_entry_rcu, (o) => o.run('t', list_del_rcu(a.next, head)), 'a', 'b');
  t.deepEqual(deleted, { seen: ['a', 'b'], splats: [], status: 'ended' });
});

test('where it goes on to was fixed when the entry was taken off', (t) => {
  const both = (o: Objects) => {
    o.run('t', list_del_rcu(a.next, head));
    o.run('t', list_del_rcu(b.next, head));
  };
  t.deepEqual(onTheFirst(list_for_each_entry_rcu, both, 'a', 'b', 'c').seen, ['a', 'b', 'c']);
});

test('a reader sees what is added behind it, and not what is added before it', (t) => {
  t.deepEqual(onTheFirst(list_for_each_entry_rcu, (o) => o.run('t', list_add_tail(b.next, head)), 'a').seen, ['a', 'b']);
  t.deepEqual(onTheFirst(list_for_each_entry_rcu, (o) => o.run('t', list_add_rcu(b.next, head)), 'a').seen, ['a']);
});

test('the safe walk has read the next pointer before the body, which may free the entry', (t) => {
  const objects = listOf('a', 'b');
  const seen: string[] = [];
  objects.run(
    't',
    list_for_each_entry_safe(head, 'next', function* (entry: Device) {
      yield* list_del(entry.next, head);
      objects.free(entry.path);
      seen.push(entry.path);
    }),
  );
  t.deepEqual(seen, ['a', 'b']);
  t.deepEqual(objects.splats, []);
  t.deepEqual(entries(objects), []);
});

test('the plain walk has not', (t) => {
  const objects = listOf('a', 'b');
  objects.run(
    't',
    list_for_each_entry(head, 'next', function* (entry: Device) {
      yield* list_del(entry.next, head);
      objects.free(entry.path);
    }),
  );
  t.deepEqual(objects.splats, [KASAN]);
});

test('two lists with the same entries in the same order are the same snapshot, however they came about', (t) => {
  const straight = listOf('a', 'b');
  const detour = listOf('b', 'c');
  detour.run('t', list_add(a.next, head));
  detour.run('t', list_del(c.next, head));
  t.deepEqual(straight.at('group.list').context, detour.at('group.list').context);
});
