/** Spinlocks, and the CPU on which an interrupt handler excludes the threads that it interrupts. */
import test from 'ava';
import { interrupt, local_irq_restore, local_irq_save } from '../../actors/sync/cpu.ts';
import {
  spin_lock,
  spin_lock_irq,
  spin_lock_irqsave,
  spin_trylock,
  spin_unlock,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from '../../actors/sync/spinlock.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { type Cpu, cpu } from '../../machines/sync/cpu.ts';
import { type Spinlock, spinlock } from '../../machines/sync/spinlock.ts';
import { Objects, Subject } from './subject.ts';

const lock: Handle<Spinlock> = handleAt('vdev.irqlock');
const cpu0: Handle<Cpu> = handleAt('machine.cpu0');
const machine = () => new Objects({ 'vdev.irqlock': spinlock(), 'machine.cpu0': cpu() });
const BAD_UNLOCK = 'unlock-imbalance: WARNING: bad unlock balance detected!';
const [task, irq] = [{ by: 'task' }, { by: 'irq' }];

test('while one thread holds it, another spins and a trylock says no', (t) => {
  const objects = machine();
  objects.run('a', spin_lock(lock));
  const b = objects.start('b', spin_lock(lock));
  t.true(b.isBlocked);
  t.false(objects.run('c', spin_trylock(lock)).result);
  objects.run('a', spin_unlock(lock));
  t.true(b.canStep());
});

test('whoever unlocks what another holds is told so', (t) => {
  const subject = new Subject(spinlock());
  t.deepEqual(subject.tell(['spin_unlock', task], ['spin_lock', task], ['spin_unlock', irq], ['kfree', task]), [
    BAD_UNLOCK,
    null,
    BAD_UNLOCK,
    'warn: WARNING: held lock freed!',
  ]);
});

test('a handler comes only while interrupts are on and no other handler runs', (t) => {
  const subject = new Subject(cpu());
  t.true(subject.can('irq_enter', irq));
  subject.say('local_irq_disable', task);
  t.false(subject.can('irq_enter', irq));
  subject.say('local_irq_enable', task);
  subject.say('irq_enter', irq);
  t.false(subject.can('irq_enter', { by: 'irq2' }));
});

test('while a handler runs, it alone runs on its CPU', (t) => {
  const subject = new Subject(cpu());
  t.deepEqual([subject.can('run', task), subject.can('run', irq)], [true, true]);
  subject.say('irq_enter', irq);
  t.deepEqual([subject.can('run', task), subject.can('run', irq)], [false, true]);
  t.false(subject.can('local_irq_save', task));
  subject.say('irq_exit', irq);
  t.true(subject.can('run', task));
});

test('while a thread has interrupts off, no other thread runs on its CPU', (t) => {
  const subject = new Subject(cpu());
  subject.say('local_irq_disable', task);
  t.deepEqual([subject.can('run', task), subject.can('run', { by: 'other' })], [true, false]);
});

for (const [type, ask] of Object.entries({
  local_irq_disable: {},
  local_irq_enable: {},
  local_irq_save: {},
  local_irq_restore: { flags: true },
  irq_exit: {},
}))
  test(`${type} waits like any step of its thread: for a handler, and for whoever has interrupts off`, (t) => {
    const [handled, off] = [new Subject(cpu()), new Subject(cpu())];
    handled.say('irq_enter', irq);
    off.say('local_irq_disable', { by: 'other' });
    t.deepEqual([handled.can(type, { ...task, ...ask }), off.can(type, { ...task, ...ask })], [false, false]);
  });

test('local_irq_restore that leaves them off waits, too', (t) => {
  const subject = new Subject(cpu());
  subject.say('irq_enter', irq);
  t.false(subject.can('local_irq_restore', { ...task, flags: false }));
});

test('a handler may run on a CPU whose thread turns interrupts off only afterwards', (t) => {
  const subject = new Subject(cpu());
  subject.say('irq_enter', irq);
  t.is(subject.say('local_irq_save', irq).reply, false);
  subject.say('local_irq_restore', { ...irq, flags: false });
  subject.say('irq_exit', irq);
  t.deepEqual(subject.context, { offBy: null, handler: null });
});

test('local_irq_save nests: only the outermost restore turns them on', (t) => {
  const objects = machine();
  const outer = objects.run('task', local_irq_save(cpu0)).result as boolean;
  const inner = objects.run('task', local_irq_save(cpu0)).result as boolean;
  t.deepEqual([outer, inner], [true, false]);
  objects.run('task', local_irq_restore(cpu0, inner));
  t.false(
    objects
      .start(
        'irq',
        interrupt(cpu0, () => spin_lock(lock)),
      )
      .canStep(),
  );
  objects.run('task', local_irq_restore(cpu0, outer));
  t.true(
    objects
      .start(
        'irq',
        interrupt(cpu0, () => spin_lock(lock)),
      )
      .canStep(),
  );
});

test('interrupts that are turned on in a handler are a warning', (t) => {
  const subject = new Subject(cpu());
  t.deepEqual(subject.tell(['irq_enter', irq], ['local_irq_enable', irq]), [
    null,
    'warn: DEBUG_LOCKS_WARN_ON(lockdep_hardirq_context())',
  ]);
});

test('with spin_lock_irqsave a handler waits outside until the lock is free; with spin_lock it comes in and spins for ever', (t) => {
  const handler = function* () {
    yield* spin_lock(lock);
    yield* spin_unlock(lock);
  };
  const safe = machine();
  const flags = safe.run('task', spin_lock_irqsave(lock, cpu0)).result as boolean;
  t.is(safe.start('irq', interrupt(cpu0, handler)).canStep(), false);
  safe.run('task', spin_unlock_irqrestore(lock, cpu0, flags));
  t.is(safe.start('irq', interrupt(cpu0, handler)).go().status, 'ended');

  const unsafe = machine();
  unsafe.run('task', spin_lock(lock));
  const inside = unsafe.start('irq', interrupt(cpu0, handler)).go();
  t.is(inside.next, 'spin_lock');
  t.false(unsafe.at('machine.cpu0').can('run', task), 'who holds the lock cannot run');
});

test('spin_lock_irq turns interrupts off before it spins, and spin_unlock_irq on after it let go', (t) => {
  const objects = machine();
  t.deepEqual(objects.run('task', spin_lock_irq(lock, cpu0)).steps, ['local_irq_disable', 'spin_lock']);
  t.deepEqual(objects.run('task', spin_unlock_irq(lock, cpu0)).steps, ['spin_unlock', 'local_irq_enable']);
});

test('who has got it by spin_trylock holds it like any other', (t) => {
  const subject = new Subject(spinlock());
  t.deepEqual(subject.tell(['spin_trylock', { by: 'a' }]), [true]);
  t.deepEqual([subject.state, subject.context], ['locked', { owner: 'a' }]);
  t.false(subject.can('spin_lock', { by: 'b' }));
  t.deepEqual(subject.tell(['spin_unlock', { by: 'a' }]), [null]);
  t.deepEqual([subject.state, subject.context], ['unlocked', { owner: null }]);
});
