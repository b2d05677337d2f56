/**
 * `interlock/primitives`: all that a subsystem of its own is modelled with. The contracts for objects and for kernel
 * code, the kernel's primitives as parts, and the calls on them.
 */
export * from '../machines/object.ts';
export * from '../machines/sync/atomic.ts';
export * from '../machines/sync/completion.ts';
export * from '../machines/sync/cpu.ts';
export * from '../machines/sync/errno.ts';
export * from '../machines/sync/field.ts';
export * from '../machines/sync/file.ts';
export * from '../machines/sync/idr.ts';
export * from '../machines/sync/kref.ts';
export * from '../machines/sync/list.ts';
export * from '../machines/sync/module.ts';
export * from '../machines/sync/mutex.ts';
export * from '../machines/sync/notifier.ts';
export * from '../machines/sync/rcu.ts';
export * from '../machines/sync/refcount.ts';
export * from '../machines/sync/rwsem.ts';
export * from '../machines/sync/spinlock.ts';
export * from '../machines/sync/task.ts';
export * from '../machines/sync/wait-queue.ts';
export * from '../machines/sync/work.ts';
export * from './step.ts';
export * from './sync/atomic.ts';
export * from './sync/completion.ts';
export * from './sync/cpu.ts';
export * from './sync/file.ts';
export * from './sync/idr.ts';
export * from './sync/kref.ts';
export * from './sync/list.ts';
export * from './sync/memory.ts';
export * from './sync/module.ts';
export * from './sync/mutex.ts';
export * from './sync/notifier.ts';
export * from './sync/rcu.ts';
export * from './sync/refcount.ts';
export * from './sync/rwsem.ts';
export * from './sync/spinlock.ts';
export * from './sync/task.ts';
export * from './sync/wait-queue.ts';
export * from './sync/work.ts';
