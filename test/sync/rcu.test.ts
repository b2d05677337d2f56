/** A grace period ends when the readers are gone who were there when it began. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import {
  call_rcu,
  call_srcu,
  kfree_rcu,
  rcu_barrier,
  rcu_callbacks,
  rcu_read_lock,
  rcu_read_unlock,
  srcu_barrier,
  srcu_read_lock,
  srcu_read_unlock,
  synchronize_rcu,
  synchronize_srcu,
} from '../../actors/sync/rcu.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import { type Rcu, rcu_head, rcu_state, type Srcu, srcu_struct } from '../../machines/sync/rcu.ts';
import { Objects } from './subject.ts';

const rcu: Handle<Rcu> = handleAt('kernel.rcu');
const ssp: Handle<Srcu> = handleAt('kvm.srcu');
const [a, b] = [handleAt<Handle<Field<string>>>('a.rcu'), handleAt<Handle<Field<string>>>('b.rcu')];
const machine = () =>
  new Objects({ 'kernel.rcu': rcu_state(), 'kvm.srcu': srcu_struct(), 'a.rcu': rcu_head(), 'b.rcu': rcu_head() });

test('without readers a grace period is two steps', (t) => {
  t.deepEqual(machine().run('t', synchronize_rcu(rcu)).steps, ['synchronize_rcu', 'wait_for_gp']);
});

test('it waits for the readers that are there when it begins, and not for those that come later', (t) => {
  const objects = machine();
  objects.run('early', rcu_read_lock(rcu));
  const updater = objects.start('updater', synchronize_rcu(rcu)).go();
  objects.run('late', rcu_read_lock(rcu));
  t.true(updater.isBlocked);
  objects.run('early', rcu_read_unlock(rcu));
  t.true(updater.canStep());
  t.is(updater.go().status, 'ended');
});

test('a reader that comes again holds up only what begins after it', (t) => {
  const objects = machine();
  objects.run('reader', rcu_read_lock(rcu));
  const first = objects.start('first', synchronize_rcu(rcu)).go();
  objects.run('reader', rcu_read_unlock(rcu));
  objects.run('reader', rcu_read_lock(rcu));
  const second = objects.start('second', synchronize_rcu(rcu)).go();
  t.deepEqual([first.canStep(), second.canStep()], [true, false]);
});

test('read sides nest: a reader is gone with the outermost', (t) => {
  const objects = machine();
  objects.run('reader', rcu_read_lock(rcu));
  objects.run('reader', rcu_read_lock(rcu));
  const updater = objects.start('updater', synchronize_rcu(rcu)).go();
  objects.run('reader', rcu_read_unlock(rcu));
  t.true(updater.isBlocked);
  objects.run('reader', rcu_read_unlock(rcu));
  t.true(updater.canStep());
});

test('a reader that waits for readers waits for itself, and is told so', (t) => {
  const objects = machine();
  objects.run('reader', rcu_read_lock(rcu));
  const waiter = objects.start('reader', synchronize_rcu(rcu)).go();
  t.true(waiter.isBlocked);
  t.deepEqual(objects.splats, ['self-deadlock: WARNING: suspicious RCU usage']);
});

for (const [name, leave] of Object.entries({
  rcu_read_unlock: () => rcu_read_unlock(rcu),
  srcu_read_unlock: () => srcu_read_unlock(ssp),
}))
  test(`${name} by who did not enter is told so, and changes nothing`, (t) => {
    const objects = machine();
    objects.run('other', rcu_read_lock(rcu));
    objects.run('other', srcu_read_lock(ssp));
    objects.run('reader', leave());
    t.deepEqual(objects.splats, ['unlock-imbalance: WARNING: bad unlock balance detected!']);
    t.true(objects.start('t', synchronize_rcu(rcu)).go().isBlocked);
    t.true(objects.start('t', synchronize_srcu(ssp)).go().isBlocked);
  });

test('the readers of one srcu_struct hold up its own grace periods only', (t) => {
  const objects = machine();
  objects.run('reader', srcu_read_lock(ssp));
  t.is(objects.start('t', synchronize_rcu(rcu)).go().status, 'ended');
  const updater = objects.start('updater', synchronize_srcu(ssp)).go();
  t.true(updater.isBlocked);
  objects.run('reader', srcu_read_unlock(ssp));
  t.is(updater.go().status, 'ended');
});

const noting = () => {
  const called: string[] = [];
  const callbacks = {
    destroy: function* (object: { path: string }): Operation {
      called.push(object.path);
    },
  };
  return { called, callbacks };
};

test('a callback runs in the daemon, after its grace period, with the struct around its rcu_head', (t) => {
  const objects = machine();
  const { called, callbacks } = noting();
  const daemon = objects.start('daemon', rcu_callbacks(rcu, callbacks));
  objects.run('reader', rcu_read_lock(rcu));
  objects.run('t', call_rcu(rcu, a, 'destroy'));
  t.true(daemon.isBlocked);
  objects.run('reader', rcu_read_unlock(rcu));
  daemon.go();
  t.deepEqual(called, ['a']);
  t.is(daemon.next, 'rcu_do_batch', 'it waits for the next');
});

test('callbacks run in the order in which they were queued', (t) => {
  const objects = machine();
  const { called, callbacks } = noting();
  objects.run('t', call_srcu(ssp, b, 'destroy'));
  objects.run('t', call_srcu(ssp, a, 'destroy'));
  objects.start('daemon', rcu_callbacks(ssp, callbacks)).go();
  t.deepEqual(called, ['b', 'a']);
});

test('kfree_rcu frees, and what is freed before its callback runs is a use after free', (t) => {
  const objects = machine();
  objects.run('t', kfree_rcu(rcu, a));
  const daemon = objects.start('daemon', rcu_callbacks(rcu)).go();
  t.is(daemon.status, 'running');
  t.true(objects.isFreed('a.rcu'));
  objects.run('t', kfree_rcu(rcu, b));
  objects.free('b');
  daemon.go();
  t.deepEqual(objects.splats, ['use-after-free: BUG: KASAN: slab-use-after-free (stops)']);
});

test('a callback that is queued already is not queued again', (t) => {
  const objects = machine();
  objects.run('t', call_rcu(rcu, a, 'destroy'));
  objects.run('t', call_rcu(rcu, a, 'destroy'));
  t.deepEqual(objects.splats, ['double-free: rcu: call_rcu(): Double-freed CB <p>->destroy()!!!']);
  const { called, callbacks } = noting();
  objects.start('daemon', rcu_callbacks(rcu, callbacks)).go();
  t.deepEqual(called, ['a']);
});

const flavours = {
  rcu_barrier: {
    lock: () => rcu_read_lock(rcu),
    unlock: () => rcu_read_unlock(rcu),
    queue: (head: typeof a) => call_rcu(rcu, head, 'destroy'),
    barrier: () => rcu_barrier(rcu),
    daemon: () => rcu_callbacks(rcu, noting().callbacks),
  },
  srcu_barrier: {
    lock: () => srcu_read_lock(ssp),
    unlock: () => srcu_read_unlock(ssp),
    queue: (head: typeof a) => call_srcu(ssp, head, 'destroy'),
    barrier: () => srcu_barrier(ssp),
    daemon: () => rcu_callbacks(ssp, noting().callbacks),
  },
};

for (const [name, { lock, unlock, queue, barrier, daemon }] of Object.entries(flavours)) {
  test(`${name} waits for the callbacks that are queued when it begins`, (t) => {
    const objects = machine();
    objects.run('reader', lock());
    objects.run('t', queue(a));
    const waiter = objects.start('t', barrier()).go();
    objects.run('reader', unlock());
    objects.run('late', lock());
    objects.run('t2', queue(b));
    t.true(waiter.isBlocked);
    objects.start('daemon', daemon()).go();
    t.is(waiter.go().status, 'ended', 'the second callback still waits for the late reader');
  });

  test(`${name} waits for a callback that runs just now, and two may wait at once`, (t) => {
    const objects = machine();
    objects.run('t', queue(a));
    const runs = objects.start('daemon', daemon());
    runs.step();
    const waiters = ['x', 'y'].map((by) => objects.start(by, barrier()).go());
    t.deepEqual(
      waiters.map((waiter) => waiter.isBlocked),
      [true, true],
    );
    runs.go();
    t.deepEqual(
      waiters.map((waiter) => waiter.go().status),
      ['ended', 'ended'],
    );
  });
}

test('with nothing queued rcu_barrier does not wait, even for readers', (t) => {
  const objects = machine();
  objects.run('reader', rcu_read_lock(rcu));
  t.is(objects.start('t', rcu_barrier(rcu)).go().status, 'ended');
});

test('in whatever order readers come, the snapshot is the same', (t) => {
  const snapshot = (...names: string[]) => {
    const objects = machine();
    for (const name of names) objects.run(name, rcu_read_lock(rcu));
    return objects.at('kernel.rcu').context;
  };
  t.deepEqual(snapshot('x', 'y'), snapshot('y', 'x'));
});
