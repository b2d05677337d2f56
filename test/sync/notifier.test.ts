/** A blocking notifier chain calls whoever is registered, in order, with its rwsem held for reading. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import {
  blocking_notifier_call_chain,
  blocking_notifier_chain_register,
  blocking_notifier_chain_unregister,
  type Callbacks,
  NOTIFY_BAD,
  NOTIFY_DONE,
  NOTIFY_OK,
  NOTIFY_STOP,
  raw_notifier_call_chain,
} from '../../actors/sync/notifier.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import { notifier_block, notifier_chain } from '../../machines/sync/notifier.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { Objects } from './subject.ts';

const nh = { rwsem: handleAt<Handle<never>>('iommu_group.rwsem'), head: handleAt<Handle<never>>('iommu_group.head') };
const vfio: Handle<Field<string>> = handleAt('group.nb');
const kvm: Handle<Field<string>> = handleAt('kvm.nb');

const withRegistered = (...blocks: string[]) =>
  new Objects({
    'iommu_group.rwsem': rwsem(),
    'iommu_group.head': notifier_chain(blocks),
    'group.nb': notifier_block('vfio_iommu_group_notifier'),
    'kvm.nb': notifier_block('kvm_notifier'),
  });

/** Callbacks that note that they were called, and with what. */
const noting = (first: number = NOTIFY_OK) => {
  const called: string[] = [];
  const callback = (name: string, result: number) =>
    function* (block: { path: string }, action: number): Operation<number> {
      called.push(`${name} of ${block.path}: ${action}`);
      return result;
    };
  const callbacks: Callbacks = {
    vfio_iommu_group_notifier: callback('vfio', first),
    kvm_notifier: callback('kvm', NOTIFY_OK),
  };
  return { called, callbacks };
};

test('registration and its end hold the rwsem for writing', (t) => {
  const objects = withRegistered();
  t.deepEqual(objects.run('t', blocking_notifier_chain_register(nh, vfio)), {
    result: 0,
    steps: ['down_write', 'notifier_chain_register', 'up_write'],
  });
  t.deepEqual(objects.at('iommu_group.head').context, { blocks: ['group.nb'] });
  t.is(objects.run('t', blocking_notifier_chain_unregister(nh, vfio)).result, 0);
  t.deepEqual(objects.at('iommu_group.head').context, { blocks: [] });
});

test('a second registration warns with the callback’s name and fails', (t) => {
  const objects = withRegistered('group.nb');
  t.is(objects.run('t', blocking_notifier_chain_register(nh, vfio)).result, -17);
  t.deepEqual(objects.splats, ['WARN: notifier callback vfio_iommu_group_notifier already registered']);
  t.deepEqual(objects.at('iommu_group.head').context, { blocks: ['group.nb'] });
});

test('to unregister what is not registered fails in silence', (t) => {
  const objects = withRegistered();
  t.is(objects.run('t', blocking_notifier_chain_unregister(nh, vfio)).result, -2);
  t.deepEqual(objects.splats, []);
});

test('an empty chain is looked at and not locked', (t) => {
  const { result, steps } = withRegistered().run('t', blocking_notifier_call_chain(nh, {}, 3));
  t.is(result, NOTIFY_DONE);
  t.deepEqual(steps, ['head']);
});

test('the callbacks run in the order of registration, under the rwsem', (t) => {
  const objects = withRegistered();
  objects.run('t', blocking_notifier_chain_register(nh, vfio));
  objects.run('t', blocking_notifier_chain_register(nh, kvm));
  const { called, callbacks } = noting();
  const { result, steps } = objects.run('t', blocking_notifier_call_chain(nh, callbacks, 3));
  t.is(result, NOTIFY_OK);
  t.deepEqual(called, ['vfio of group.nb: 3', 'kvm of kvm.nb: 3']);
  t.deepEqual(steps, ['head', 'down_read', 'head', 'next', 'load', 'next', 'load', 'up_read']);
});

for (const [name, stop] of Object.entries({ NOTIFY_STOP, NOTIFY_BAD }))
  test(`${name} ends the walk, and the rwsem is released`, (t) => {
    const objects = withRegistered('group.nb', 'kvm.nb');
    const { called, callbacks } = noting(stop);
    const { result } = objects.run('t', blocking_notifier_call_chain(nh, callbacks, 1));
    t.is(result, stop);
    t.deepEqual(called, ['vfio of group.nb: 1']);
    t.is(objects.at('iommu_group.rwsem').state, 'free');
  });

test('a callback that unregisters itself waits for its own read lock', (t) => {
  const objects = withRegistered('group.nb');
  const callbacks: Callbacks = { vfio_iommu_group_notifier: (block) => blocking_notifier_chain_unregister(nh, block) };
  const caller = objects.start('t', blocking_notifier_call_chain(nh, callbacks, 1)).go();
  t.is(caller.next, 'rwsem_down_write_slowpath');
  t.true(caller.isBlocked);
});

test('who unregisters waits for the callbacks that run', (t) => {
  const objects = withRegistered('group.nb');
  const caller = objects.start('caller', blocking_notifier_call_chain(nh, noting().callbacks, 1));
  caller.step();
  caller.step();
  const remover = objects.start('remover', blocking_notifier_chain_unregister(nh, vfio)).go();
  t.is(remover.next, 'rwsem_down_write_slowpath');
  caller.go();
  t.is(remover.go().result, 0);
});

test('a block that was freed while it is registered is a use after free of the next call', (t) => {
  const objects = withRegistered('group.nb');
  objects.free('group');
  objects.run('t', blocking_notifier_call_chain(nh, noting().callbacks, 1));
  t.deepEqual(objects.splats, ['use-after-free: BUG: KASAN: slab-use-after-free (stops)']);
});

test('a raw chain takes no lock', (t) => {
  const { steps } = withRegistered('kvm.nb').run('t', raw_notifier_call_chain(nh.head, noting().callbacks, 1, null));
  t.deepEqual(steps, ['head', 'next', 'load']);
});
