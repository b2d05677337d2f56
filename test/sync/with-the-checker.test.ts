/** The primitives in all interleavings: for each a misuse that must be found, and its twin, in which nothing may be. */
import test from 'ava';
import { kfree, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion, wait_for_completion_timeout } from '../../actors/sync/completion.ts';
import { interrupt } from '../../actors/sync/cpu.ts';
import { fget, fput } from '../../actors/sync/file.ts';
import { kref_get, kref_put, kref_put_mutex } from '../../actors/sync/kref.ts';
import { list_del, list_del_rcu, list_empty, list_for_each_entry, list_for_each_entry_rcu } from '../../actors/sync/list.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { module_put, delete_module, try_module_get } from '../../actors/sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { blocking_notifier_call_chain, blocking_notifier_chain_unregister, NOTIFY_OK } from '../../actors/sync/notifier.ts';
import { kfree_rcu, rcu_callbacks, rcu_read_lock, rcu_read_unlock } from '../../actors/sync/rcu.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { spin_lock, spin_lock_irqsave, spin_unlock, spin_unlock_irqrestore } from '../../actors/sync/spinlock.ts';
import { kthread, kthread_stop, wake_up_process } from '../../actors/sync/task.ts';
import { wait_event, wait_event_timeout, wake_up } from '../../actors/sync/wait-queue.ts';
import { cancel_work_sync, queue_work, worker_thread } from '../../actors/sync/work.ts';
import { globals, type HandleTo, type Null, NULL, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { file_ref } from '../../machines/sync/file.ts';
import { kref } from '../../machines/sync/kref.ts';
import { list_head, list_node } from '../../machines/sync/list.ts';
import { module } from '../../machines/sync/module.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { notifier_block, notifier_chain } from '../../machines/sync/notifier.ts';
import { rcu_head, rcu_state } from '../../machines/sync/rcu.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import { task_struct } from '../../machines/sync/task.ts';
import { wait_queue_head } from '../../machines/sync/wait-queue.ts';
import { work_struct, workqueue } from '../../machines/sync/work.ts';
import { call, daemon, task, type Variant, variant } from '../../src/index.ts';
import { checkTiny } from '../helpers/tiny.ts';

const kinds = async (v: Variant): Promise<readonly string[]> => {
  const { findings, exhaustive } = await checkTiny(v);
  if (!exhaustive) throw new Error('the search was cut');
  return [...new Set(findings.map(({ kind, object }) => `${kind} ${object}`))].toSorted();
};

const finds = (name: string, make: (isWrong: boolean) => Variant, ...found: readonly string[]) => {
  test(`${name}: found`, async (t) => t.deepEqual(await kinds(make(true)), [...found].toSorted()));
  test(`${name}, done right: nothing`, async (t) => t.deepEqual(await kinds(make(false)), []));
};

const entry = struct('entry', {
  node: list_node({ on: 'group.list' }),
  ref: kref(1),
  rcu: rcu_head(),
  work: work_struct('func'),
});
interface Entry extends HandleTo<typeof entry> {}
const group = globals('group', { list: list_head(['entry']), lock: mutex(), sem: rwsem() });
type Group = HandleTo<typeof group>;

function* walk({ list, lock }: Group, locked: boolean): Operation {
  if (locked) yield* mutex_lock(lock);
  yield* list_for_each_entry(list, 'node', function* (e: Entry) {
    yield* load(e.rcu);
  });
  if (locked) yield* mutex_unlock(lock);
}

function* remove({ list, lock }: Group, e: Entry): Operation {
  yield* mutex_lock(lock);
  yield* list_del(e.node, list);
  yield* mutex_unlock(lock);
  yield* kfree(e);
}

finds(
  'a walk without the lock that guards the list',
  (wrong) =>
    variant({
      objects: { group, entry },
      threads: (o) => ({ walker: [call(walk, o.group, !wrong)], remover: [call(remove, o.group, o.entry)] }),
      expect: [],
    }),
  'list-corruption entry.node',
  'use-after-free entry',
);

function* free_listed({ list }: Group, e: Entry, wrong: boolean): Operation {
  if (!wrong) yield* list_del(e.node, list);
  yield* kfree(e);
}
function* is_empty({ list }: Group): Operation<boolean> {
  return yield* list_empty(list);
}

finds(
  'an entry that is freed on its list, and another that is taken off beside it',
  (wrong) => {
    const pair = globals('group', { list: list_head(['entry', 'other']), lock: mutex(), sem: rwsem() });
    return variant({
      objects: { group: pair, entry, other: entry },
      threads: (o) => ({
        a: [call(free_listed, o.group, o.entry, wrong), call(list_del, o.other.node, o.group.list), call(is_empty, o.group)],
      }),
      expect: [],
    });
  },
  'use-after-free group.list',
);

const gate = globals('gate', { q: wait_queue_head(), ready: field<boolean>(false), comp: completion(), sem: rwsem() });
type Gate = HandleTo<typeof gate>;

function* wait({ q, ready }: Gate): Operation {
  yield* wait_event(q, () => load(ready));
}
function* open({ q, ready }: Gate, wrong: boolean): Operation {
  if (wrong) yield* wake_up(q);
  yield* store(ready, true);
  if (!wrong) yield* wake_up(q);
}

finds(
  'a wake-up before the condition is made true',
  (wrong) =>
    variant({
      objects: { gate },
      threads: (o) => ({ waiter: [call(wait, o.gate)], waker: [call(open, o.gate, wrong)] }),
      expect: [],
    }),
  'deadlock gate.q',
);

test('the same wait with a timeout ends by itself', async (t) => {
  function* wait_a_while({ q, ready }: Gate): Operation<number> {
    return yield* wait_event_timeout(q, () => load(ready));
  }
  t.deepEqual(
    await kinds(
      variant({
        objects: { gate },
        threads: (o) => ({ waiter: [call(wait_a_while, o.gate)], waker: [call(open, o.gate, true)] }),
        expect: [],
      }),
    ),
    [],
  );
});

finds(
  'a completion that nobody completes',
  (wrong) =>
    variant({
      objects: { gate },
      threads: (o) => ({
        waiter: [call(wait_for_completion, o.gate.comp)],
        ...(wrong ? {} : { completer: [call(complete, o.gate.comp)] }),
        patient: [call(wait_for_completion_timeout, o.gate.comp), call(complete, o.gate.comp)].slice(0, wrong ? 1 : 2),
      }),
      expect: [],
    }),
  'deadlock gate.comp',
);

function* read_twice({ sem }: Gate, wrong: boolean): Operation {
  yield* down_read(sem);
  if (!wrong) yield* up_read(sem);
  yield* down_read(sem);
  yield* up_read(sem);
  if (wrong) yield* up_read(sem);
}
function* write_once({ sem }: Gate): Operation {
  yield* down_write(sem);
  yield* up_write(sem);
}

finds(
  'a reader that comes twice while a writer waits',
  (wrong) =>
    variant({
      objects: { gate },
      threads: (o) => ({ reader: [call(read_twice, o.gate, wrong)], writer: [call(write_once, o.gate)] }),
      expect: [],
    }),
  'lock-order gate.sem',
  'self-deadlock gate.sem',
);

const machine = globals('machine', { cpu0: cpu(), lock: spinlock(), rcu: rcu_state(), wq: workqueue() });
type Machine = HandleTo<typeof machine>;

function* with_lock({ lock, cpu0 }: Machine, wrong: boolean): Operation {
  const flags = wrong || (yield* spin_lock_irqsave(lock, cpu0));
  if (wrong) yield* spin_lock(lock);
  if (wrong) yield* spin_unlock(lock);
  else yield* spin_unlock_irqrestore(lock, cpu0, flags);
}
function* irq({ lock, cpu0 }: Machine): Operation {
  yield* interrupt(cpu0, function* () {
    yield* spin_lock(lock);
    yield* spin_unlock(lock);
  });
}

finds(
  'a lock of a handler that is taken with interrupts on',
  (wrong) =>
    variant({
      objects: { machine },
      threads: (o) => ({
        it: task([call(with_lock, o.machine, wrong)], { cpu: o.machine.cpu0 }),
        irq: daemon([call(irq, o.machine)], { cpu: o.machine.cpu0 }),
      }),
      expect: [],
    }),
  'deadlock machine.lock',
  'lock-order machine.lock',
);

function* read_list({ rcu }: Machine, { list }: Group): Operation {
  yield* rcu_read_lock(rcu);
  yield* list_for_each_entry_rcu(list, 'node', function* (e: Entry) {
    yield* load(e.rcu);
  });
  yield* rcu_read_unlock(rcu);
}
function* remove_rcu({ rcu }: Machine, { list }: Group, e: Entry, wrong: boolean): Operation {
  yield* list_del_rcu(e.node, list);
  if (wrong) yield* kfree(e);
  else yield* kfree_rcu(rcu, e.rcu);
}

finds(
  'an entry that is freed before its readers are gone',
  (wrong) =>
    variant({
      objects: { machine, group, entry },
      threads: (o) => ({
        reader: [call(read_list, o.machine, o.group)],
        remover: [call(remove_rcu, o.machine, o.group, o.entry, wrong)],
        callbacks: daemon([call(rcu_callbacks, o.machine.rcu)]),
      }),
      expect: [],
    }),
  'use-after-free entry',
);

function* shut_down({ wq }: Machine, e: Entry, wrong: boolean): Operation {
  yield* queue_work(wq, e.work);
  if (!wrong) yield* cancel_work_sync(wq, e.work);
  yield* kfree(e);
}
function* worker({ wq }: Machine): Operation {
  yield* worker_thread(wq, {
    func: function* (object) {
      yield* load((object as Entry).rcu);
    },
  });
}

finds(
  'a work item that is freed before it was cancelled',
  (wrong) =>
    variant({
      objects: { machine, entry },
      threads: (o) => ({ driver: [call(shut_down, o.machine, o.entry, wrong)], worker: daemon([call(worker, o.machine)]) }),
      expect: [],
    }),
  'use-after-free entry',
  'warn machine.wq',
);

function* find({ list, lock }: Group): Operation<Entry | Null> {
  yield* mutex_lock(lock);
  const found = yield* list_for_each_entry(list, 'node', function* (e: Entry) {
    yield* kref_get(e.ref);
    return e;
  });
  yield* mutex_unlock(lock);
  return found ?? NULL;
}
function* drop({ list, lock }: Group, e: Entry, wrong: boolean): Operation {
  function* release(): Operation {
    if (wrong) yield* mutex_lock(lock);
    yield* list_del(e.node, list);
    yield* mutex_unlock(lock);
    yield* kfree(e);
  }
  if (wrong) yield* kref_put(e.ref, release);
  else yield* kref_put_mutex(e.ref, release, lock);
}
function* find_and_drop(g: Group, wrong: boolean): Operation {
  const found = yield* find(g);
  if (found !== NULL) yield* drop(g, found as Entry, wrong);
}

finds(
  'a last put that takes the lock of the list only afterwards',
  (wrong) =>
    variant({
      objects: { group, entry },
      threads: (o) => ({ owner: [call(drop, o.group, o.entry, wrong)], finder: [call(find_and_drop, o.group, wrong)] }),
      expect: [],
    }),
  'refcount entry.ref',
);

const opened = globals('opened', { f_count: file_ref(1) });
interface Opened extends HandleTo<typeof opened> {}
const table = globals('table', { fd: pointer<Opened>({ at: 'opened' }) });
type Table = HandleTo<typeof table>;

function* ioctl({ fd }: Table, e: Entry, wrong: boolean): Operation {
  const found = wrong ? yield* load(fd) : yield* fget(fd);
  if (found === NULL) return;
  yield* load(e.rcu);
  if (!wrong) yield* fput((found as Opened).f_count, () => kfree(e));
}
function* close({ fd }: Table, e: Entry): Operation {
  const found = yield* load(fd);
  yield* store(fd, NULL);
  yield* fput((found as Opened).f_count, () => kfree(e));
}

finds(
  'a file that is used without a reference to it',
  (wrong) =>
    variant({
      objects: { opened, table, entry },
      threads: (o) => ({ user: [call(ioctl, o.table, o.entry, wrong)], closer: [call(close, o.table, o.entry)] }),
      expect: [],
    }),
  'use-after-free entry',
);

const driver = globals('driver', { module: module(), users: field<number>(0) });

function* open_device({ module: owner }: HandleTo<typeof driver>, wrong: boolean): Operation {
  if (wrong) yield* module_put(owner);
  else if (yield* try_module_get(owner)) yield* module_put(owner);
}

finds(
  'a module that is used while it is unloaded',
  (wrong) =>
    variant({
      objects: { driver },
      threads: (o) => ({
        user: [call(open_device, o.driver, wrong)],
        rmmod: [call(delete_module, o.driver.module, function* () {})].slice(0, wrong ? 1 : 0),
      }),
      expect: [],
    }),
  'bug driver.module',
  'refcount driver.module',
  'use-after-free driver.module',
);

const chain = globals('chain', { rwsem: rwsem(), head: notifier_chain(['owner.nb']) });
const owner = struct('owner', { nb: notifier_block('notify') });

function* ok(): Operation<number> {
  return NOTIFY_OK;
}
function* notify(nh: HandleTo<typeof chain>): Operation {
  yield* blocking_notifier_call_chain(nh, { notify: ok }, 1);
}
function* leave(nh: HandleTo<typeof chain>, o: HandleTo<typeof owner>, wrong: boolean): Operation {
  if (!wrong) yield* blocking_notifier_chain_unregister(nh, o.nb);
  yield* kfree(o);
}

finds(
  'a notifier block that is freed while it is registered',
  (wrong) =>
    variant({
      objects: { chain, owner },
      threads: (o) => ({ caller: [call(notify, o.chain)], leaver: [call(leave, o.chain, o.owner, wrong)] }),
      expect: [],
    }),
  'use-after-free owner',
);

const thread = globals('thread', { task: task_struct(), ran: field<number>(0) });
function* runs(o: HandleTo<typeof thread>): Operation {
  yield* kthread(o.task, () => store(o.ran, 1));
}
function* start_and_stop(o: HandleTo<typeof thread>): Operation {
  yield* wake_up_process(o.task);
  yield* kthread_stop(o.task);
}

finds(
  'a kernel thread that is never woken',
  (wrong) =>
    variant({
      objects: { thread },
      threads: (o) => ({ kthread: [call(runs, o.thread)], ...(wrong ? {} : { starter: [call(start_and_stop, o.thread)] }) }),
      expect: [],
    }),
  'deadlock thread.task',
);
