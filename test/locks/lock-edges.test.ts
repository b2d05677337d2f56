/** What is taken under what: each program has its edges written out by hand. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import {
  mutex_lock,
  mutex_lock_interruptible,
  mutex_lock_nest_lock,
  mutex_lock_nested,
  mutex_trylock,
  mutex_unlock,
} from '../../actors/sync/mutex.ts';
import { rcu_read_lock, rcu_read_unlock, srcu_read_lock, srcu_read_unlock } from '../../actors/sync/rcu.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rcu_state, srcu_struct } from '../../machines/sync/rcu.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { explore } from '../../src/explore/plain-search.ts';
import { call, variant } from '../../src/index.ts';
import { lockEdges, sitesOf } from '../../src/locks/lock-edges.ts';
import { Program } from '../../src/tables/program.ts';

const node = struct('node', { lock: mutex(), sem: rwsem(), dev: mutex({ novalidate: true }) });
const list = globals('list', { lock: mutex(), rcu: rcu_state(), srcu: srcu_struct() });
const objects = { a: node, b: node, list, only: struct('leaf', { lock: mutex() }) };
type Node = HandleTo<typeof node>;
interface All {
  readonly a: Node;
  readonly b: Node;
  readonly list: HandleTo<typeof list>;
  readonly only: { readonly lock: Node['lock'] };
}

function searched(body: (all: All) => Operation): Program {
  const design = variant({ objects, threads: (all) => ({ t: [call(body, all as unknown as All)] }), expect: [] });
  const program = new Program(design);
  const search = explore(program, design, { maxStates: 1000 });
  while (!search.next(null).done);
  return program;
}

const edgesOf = (body: (all: All) => Operation): readonly string[] =>
  lockEdges(searched(body)).map(({ from, to, holdsShared, takesShared, tried }) => {
    const mode = (shared: boolean) => (shared ? ' (read)' : '');
    return `${from.name}${mode(holdsShared)}${tried ? ' (tried)' : ''} -> ${to.name}${mode(takesShared)}`;
  });

const has = (name: string, body: (all: All) => Operation, edges: readonly string[]) =>
  test(name, (t) => t.deepEqual(edgesOf(body), edges));

has(
  'each lock that is held has an edge to one that is asked for',
  function* ({ a, list, only }) {
    yield* mutex_lock(list.lock);
    yield* mutex_lock(only.lock);
    yield* mutex_lock(a.lock);
    yield* mutex_unlock(list.lock);
    yield* mutex_unlock(only.lock);
    yield* mutex_unlock(a.lock);
  },
  ['&list.lock -> &only->lock', '&list.lock -> &node->lock', '&only->lock -> &node->lock'],
);
has(
  'what is let go of before has none',
  function* ({ list, only }) {
    yield* mutex_lock(list.lock);
    yield* mutex_unlock(list.lock);
    yield* mutex_lock(only.lock);
    yield* mutex_unlock(only.lock);
  },
  [],
);
has(
  'to a trylock there is no edge; from what it has taken there is',
  function* ({ list, only, a }) {
    yield* mutex_lock(list.lock);
    if (yield* mutex_trylock(only.lock)) {
      yield* mutex_lock(a.lock);
      yield* mutex_unlock(a.lock);
      yield* mutex_unlock(only.lock);
    }
    yield* mutex_unlock(list.lock);
  },
  ['&list.lock -> &node->lock', '&only->lock (tried) -> &node->lock'],
);
has(
  'a writer that queues asks for the lock, readers and writers are told apart',
  function* ({ a, list }) {
    yield* down_read(a.sem);
    yield* mutex_lock(list.lock);
    yield* mutex_unlock(list.lock);
    yield* up_read(a.sem);
    yield* mutex_lock(list.lock);
    yield* down_write(a.sem);
    yield* up_write(a.sem);
    yield* mutex_unlock(list.lock);
  },
  ['&list.lock -> &node->sem', '&node->sem (read) -> &list.lock'],
);
has(
  'a wait that a signal may end asks for the lock all the same',
  function* ({ list, only }) {
    yield* mutex_lock(list.lock);
    if ((yield* mutex_lock_interruptible(only.lock)) === 0) yield* mutex_unlock(only.lock);
    yield* mutex_unlock(list.lock);
  },
  ['&list.lock -> &only->lock'],
);
has(
  'two locks of one class make an edge from the class to itself; a subclass is a class of its own',
  function* ({ a, b }) {
    yield* mutex_lock(a.lock);
    yield* mutex_lock(b.lock);
    yield* mutex_unlock(b.lock);
    yield* mutex_lock_nested(b.lock, 1);
    yield* mutex_unlock(b.lock);
    yield* mutex_unlock(a.lock);
  },
  ['&node->lock -> &node->lock', '&node->lock -> &node->lock/1'],
);
has(
  'under the lock that they nest in, locks of one class are in no order',
  function* ({ a, b, list }) {
    yield* mutex_lock(list.lock);
    yield* mutex_lock_nest_lock(a.lock, list.lock);
    yield* mutex_lock_nest_lock(b.lock, list.lock);
    yield* mutex_unlock(b.lock);
    yield* mutex_unlock(a.lock);
    yield* mutex_unlock(list.lock);
  },
  ['&list.lock -> &node->lock'],
);
has(
  'no order is kept of the lock of a device, nor of readers of RCU and SRCU',
  function* ({ a, list }) {
    yield* mutex_lock(a.dev);
    yield* mutex_lock(list.lock);
    yield* rcu_read_lock(list.rcu);
    yield* rcu_read_unlock(list.rcu);
    yield* mutex_unlock(list.lock);
    const idx = srcu_read_lock(list.srcu);
    yield* idx;
    yield* mutex_lock(list.lock);
    yield* mutex_unlock(list.lock);
    yield* srcu_read_unlock(list.srcu);
    yield* mutex_unlock(a.dev);
  },
  [],
);

test('an edge knows where it is made: the thread, the functions, the locks held and asked for', (t) => {
  function* inner({ list, only }: All): Operation {
    yield* mutex_lock(only.lock);
    yield* mutex_unlock(only.lock);
    yield* mutex_unlock(list.lock);
  }
  const program = searched(function* outer(all: All) {
    yield* mutex_lock(all.list.lock);
    yield* inner(all);
  });
  const [edge, ...others] = lockEdges(program);
  t.deepEqual(others, []);
  const sites = edge === undefined ? [] : sitesOf(program, edge);
  t.deepEqual(
    sites.map(({ place: _place, ...site }) => site),
    [
      {
        thread: 't',
        functions: ['outer', 'inner'],
        holds: 'list.lock',
        takes: 'only.lock',
        event: 'mutex_lock',
        held: ['&list.lock'],
      },
    ],
  );
  t.regex(sites[0]?.place?.file ?? '', /lock-edges\.test\.[jt]s$/);
});
