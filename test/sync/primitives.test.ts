/** Every part that the door `interlock/primitives` offers keeps the laws of a kernel object. */
import test from 'ava';
import { initialTransition } from 'xstate';
import * as primitives from '../../actors/primitives.ts';
import { checkLaws } from '../../src/model/laws.ts';

const { atomic, completion, cpu, field, file_ref, ida, idr, kref, list_head, list_node, module, mutex } = primitives;
const { notifier_block, notifier_chain, pointer, rcu_head, rcu_state, refcount, rwsem, spinlock, srcu_struct } = primitives;
const { task_struct, wait_queue_head, work_struct, workqueue } = primitives;

const parts = {
  atomic: atomic(),
  completion: completion(),
  cpu: cpu(),
  field: field(0),
  file_ref: file_ref(),
  ida: ida(),
  idr: idr(),
  kref: kref(),
  list_head: list_head(),
  list_node: list_node(),
  module: module(),
  mutex: mutex(),
  notifier_block: notifier_block('f'),
  notifier_chain: notifier_chain(),
  pointer: pointer(),
  rcu_head: rcu_head(),
  rcu_state: rcu_state(),
  refcount: refcount(),
  rwsem: rwsem(),
  spinlock: spinlock(),
  srcu_struct: srcu_struct(),
  task_struct: task_struct(),
  wait_queue_head: wait_queue_head(),
  work_struct: work_struct('f'),
  workqueue: workqueue(),
};

for (const [name, part] of Object.entries(parts))
  test(`${name} keeps the laws, starts in its range, and survives JSON`, (t) => {
    t.notThrows(() => checkLaws(name, part.machine));
    const { context, status } = initialTransition(part.machine, part.input)[0];
    t.is(status, 'active');
    t.true(part.range(context as never));
    t.deepEqual(JSON.parse(JSON.stringify(context)), context);
  });

test('only those that keep the names of others hear of frees', (t) => {
  const hearing = Object.entries(parts).filter(([, { hearsFrees }]) => hearsFrees);
  t.deepEqual(
    hearing.map(([name]) => name),
    ['list_head', 'workqueue'],
  );
});
