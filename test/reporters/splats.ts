/** Designs of one call each, which make a kernel print something: every shape of report once. */
import {
  BUG_ON,
  call_rcu,
  down_read,
  down_write,
  globals,
  type Handle,
  type HandleTo,
  kfree,
  kzalloc,
  list_add,
  list_del,
  list_del_rcu,
  list_head,
  list_node,
  load,
  mutex,
  mutex_lock,
  mutex_unlock,
  type Operation,
  pointer,
  pool,
  queue_work,
  rcu_callbacks,
  rcu_head,
  rcu_state,
  type Refcount,
  refcount,
  refcount_dec,
  refcount_dec_and_test,
  refcount_inc,
  refcount_inc_not_zero,
  refcount_set,
  rwsem,
  struct,
  WARN,
  WARN_ON,
  work_struct,
  worker_thread,
  workqueue,
} from '../../actors/primitives.ts';
import { call, daemon, defineScenario, type Scenario, type Variant, variant } from '../../src/index.ts';

interface Next {
  readonly path: string;
  readonly users: Handle<Refcount>;
}
const kernel = globals('kernel', { wq: workqueue(), rcu: rcu_state(), sem: rwsem(), other: rwsem() });
interface Kernel extends HandleTo<typeof kernel> {}

const thing = struct('thing', {
  users: refcount(0),
  lock: mutex(),
  entry: list_node(),
  list: list_head(),
  next: pointer<Next>(),
  work: work_struct('thing_free'),
  rcu: rcu_head(),
});
interface Thing extends HandleTo<typeof thing> {}

const byOne = (operation: (it: Thing) => Operation<unknown>, users = 0): Variant =>
  variant({
    objects: { thing },
    threads: ({ thing }) => ({ worker: [call(operation, thing)] }),
    start: { 'thing.users': { n: users } },
    expect: [],
  });

function* thing_put(thing: Thing): Operation {
  yield* refcount_dec_and_test(thing.users);
}
function* thing_get(thing: Thing): Operation {
  yield* refcount_inc(thing.users);
}
function* thing_warn_on(_thing: Thing): Operation {
  yield* WARN_ON(true, 'thing->users');
}
function* thing_warn(_thing: Thing): Operation {
  yield* WARN(true, 'thing is still in use');
}
function* thing_bug(_thing: Thing): Operation {
  yield* BUG_ON(true, '!thing->users');
}
function* thing_follow(thing: Thing): Operation {
  const next = yield* load(thing.next);
  yield* refcount_inc_not_zero((next as Next).users);
}
function* thing_free_twice(thing: Thing): Operation {
  yield* kfree(thing);
  yield* kfree(thing);
}
function* thing_use_freed(thing: Thing): Operation {
  yield* kfree(thing);
  yield* load(thing.next);
}
function* thing_unlock(thing: Thing): Operation {
  yield* mutex_unlock(thing.lock);
}
function* thing_free_locked(thing: Thing): Operation {
  yield* mutex_lock(thing.lock);
  yield* kfree(thing);
}
function* thing_lock_twice(thing: Thing): Operation {
  yield* mutex_lock(thing.lock);
  yield* mutex_lock(thing.lock);
}
function* thing_add_twice(thing: Thing): Operation {
  yield* list_add(thing.entry, thing.list);
  yield* list_add(thing.entry, thing.list);
}
function* thing_alloc_and_lose(from: Thing): Operation {
  const made = yield* kzalloc(from);
  yield* kfree(made);
  yield* refcount_inc(made.users);
}
function* thing_reset(thing: Thing): Operation {
  yield* refcount_set(thing.users, 1);
  yield* thing_put(thing);
  yield* thing_put(thing);
}

function* thing_dec(thing: Thing): Operation {
  yield* refcount_dec(thing.users);
}
function* thing_get_twice(thing: Thing): Operation {
  yield* refcount_inc(thing.users);
  yield* refcount_inc(thing.users);
}
function* thing_del(thing: Thing): Operation {
  yield* list_del(thing.entry, thing.list);
}
function* thing_del_twice(thing: Thing): Operation {
  yield* list_add(thing.entry, thing.list);
  yield* list_del(thing.entry, thing.list);
  yield* list_del(thing.entry, thing.list);
}
function* thing_del_after_rcu(thing: Thing): Operation {
  yield* list_add(thing.entry, thing.list);
  yield* list_del_rcu(thing.entry, thing.list);
  yield* list_del(thing.entry, thing.list);
}
function* thing_add(thing: Thing, other: Thing): Operation {
  yield* list_add(other.entry, thing.list);
  yield* kfree(other);
  yield* list_add(thing.entry, thing.list);
}
function* thing_alloc(from: Thing): Operation {
  yield* kzalloc(from);
}
function* thing_queue(kernel: Kernel, thing: Thing): Operation {
  yield* queue_work(kernel.wq, thing.work);
}
function* thing_queue_and_free(kernel: Kernel, thing: Thing): Operation {
  yield* queue_work(kernel.wq, thing.work);
  yield* kfree(thing);
}
function* thing_queue_and_use(kernel: Kernel, thing: Thing): Operation {
  yield* thing_queue(kernel, thing);
  yield* load(thing.next);
}
function* thing_call_rcu_and_use(kernel: Kernel, thing: Thing): Operation {
  yield* call_rcu(kernel.rcu, thing.rcu, 'kfree');
  yield* load(thing.next);
}
function* thing_free(thing: { readonly path: string }): Operation {
  yield* kfree(thing);
}
function* write_then_read({ sem, other }: Kernel): Operation {
  yield* down_write(sem);
  yield* down_read(other);
}
function* read_the_other({ sem, other }: Kernel): Operation {
  yield* down_write(other);
  yield* down_read(sem);
}

const withKernel = (operation: (kernel: Kernel, it: Thing) => Operation): Variant =>
  variant({
    objects: { kernel, thing },
    threads: ({ kernel, thing }) => ({
      user: [call(operation, kernel, thing)],
      kworker: daemon([call(worker_thread, kernel.wq, { thing_free })]),
      softirq: daemon([call(rcu_callbacks, kernel.rcu)]),
    }),
    expect: [],
  });

export const splats: Scenario = defineScenario({
  name: 'splats',
  summary: 'Every shape of what a kernel prints',
  source: 'this test',
  covers: [],
  tags: [],
  variants: {
    'put-below-0': byOne(thing_put),
    'get-on-0': byOne(thing_get),
    WARN_ON: byOne(thing_warn_on),
    WARN: byOne(thing_warn),
    BUG_ON: byOne(thing_bug),
    'null-pointer': byOne(thing_follow),
    'free-twice': byOne(thing_free_twice),
    'use-of-freed-memory': byOne(thing_use_freed),
    'use-of-memory-that-was-allocated-and-freed': variant({
      objects: { thing: pool(thing) },
      threads: ({ thing }) => ({ worker: [call(thing_alloc_and_lose, thing)] }),
      expect: [],
    }),
    'unlock-without-lock': byOne(thing_unlock),
    'free-of-a-held-lock': byOne(thing_free_locked),
    'lock-twice': byOne(thing_lock_twice),
    'list_add-twice': byOne(thing_add_twice),
    'dec-to-0': byOne(thing_dec, 1),
    'get-after-saturation': byOne(thing_get_twice),
    'list_del-of-zeroed': byOne(thing_del),
    'list_del-twice': byOne(thing_del_twice),
    'list_del-after-list_del_rcu': byOne(thing_del_after_rcu),
    'list_add-beside-freed-memory': variant({
      objects: { thing, other: thing },
      threads: ({ thing, other }) => ({ worker: [call(thing_add, thing, other)] }),
      expect: [],
    }),
    'memory-that-is-lost': variant({
      objects: { thing: pool(thing) },
      threads: ({ thing }) => ({ worker: [call(thing_alloc, thing)] }),
      leaks: { thing: ({ all }) => all('thing').filter(({ freed }) => !freed).length },
      expect: [],
    }),
    'free-of-queued-work': withKernel(thing_queue_and_free),
    'use-of-what-a-worker-freed': withKernel(thing_queue_and_use),
    'use-of-what-RCU-freed': withKernel(thing_call_rcu_and_use),
    'two-rw-semaphores': variant({
      objects: { kernel },
      threads: ({ kernel }) => ({ writer: [call(write_then_read, kernel)], reader: [call(read_the_other, kernel)] }),
      expect: [],
    }),
    'a-set-that-loses-a-reference': byOne(thing_reset, 2),
  },
});
