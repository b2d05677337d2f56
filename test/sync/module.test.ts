/** A module stays loaded while somebody holds it; once it is going, nobody can get it. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import {
  __module_get,
  delete_module,
  module_put,
  module_refcount,
  module_text,
  try_module_get,
} from '../../actors/sync/module.ts';
import { type Handle, handleAt, NULL } from '../../machines/object.ts';
import { type Module, module } from '../../machines/sync/module.ts';
import { Objects } from './subject.ts';

const vfio_pci: Handle<Module> = handleAt('vfio_pci.module');
const PUT_TOO_OFTEN = 'refcount: WARNING: ret < 0';
const UNLOADED = 'use-after-free: BUG: unable to handle page fault (stops)';

function* exit(): Operation {}

const heldBy = (users: number) => {
  const objects = new Objects({ 'vfio_pci.module': module(users) });
  return { objects, run: <R>(operation: Operation<R>) => objects.run('t', operation).result };
};

test('a get adds a user, a put takes one away', (t) => {
  const { objects, run } = heldBy(0);
  t.true(run(try_module_get(vfio_pci)));
  run(__module_get(vfio_pci));
  t.is(run(module_refcount(vfio_pci)), 2);
  run(module_put(vfio_pci));
  t.is(run(module_refcount(vfio_pci)), 1);
  t.deepEqual(objects.splats, []);
});

test('what is built in has no module: it is always got, and in no step', (t) => {
  const { objects } = heldBy(0);
  t.deepEqual(objects.run('t', try_module_get(NULL)), { result: true, steps: [] });
  t.deepEqual(objects.run('t', module_put(NULL)).steps, []);
});

test('a put without a get takes the module’s own reference, and the next one warns', (t) => {
  const { objects, run } = heldBy(0);
  run(module_put(vfio_pci));
  t.deepEqual(objects.splats, []);
  run(module_put(vfio_pci));
  t.deepEqual(objects.splats, [PUT_TOO_OFTEN]);
  t.false(run(try_module_get(vfio_pci)));
});

test('a module that nobody holds is unloaded: its exit runs between going and gone', (t) => {
  const { objects } = heldBy(0);
  const { result, steps } = objects.run('rmmod', delete_module(vfio_pci, exit));
  t.is(result, 0);
  t.deepEqual(steps, ['atomic_sub_return', 'MODULE_STATE_GOING', 'free_module']);
});

test('a module that is held is not unloaded, and is as it was', (t) => {
  const { objects } = heldBy(1);
  const { result, steps } = objects.run('rmmod', delete_module(vfio_pci, exit));
  t.is(result, -11);
  t.deepEqual(steps, ['atomic_sub_return', 'atomic_add_unless']);
  t.deepEqual([objects.at('vfio_pci.module').state, objects.at('vfio_pci.module').context], ['live', { refcnt: 2 }]);
});

test('the last user may leave while unloading looks: then it goes on', (t) => {
  const { objects, run } = heldBy(1);
  const rmmod = objects.start('rmmod', delete_module(vfio_pci, exit));
  rmmod.step();
  run(module_put(vfio_pci));
  rmmod.go();
  t.is(rmmod.result, 0);
});

test('a get comes in while unloading looks, if another user is there, and stops it', (t) => {
  const { objects, run } = heldBy(1);
  const rmmod = objects.start('rmmod', delete_module(vfio_pci, exit));
  rmmod.step();
  t.true(run(try_module_get(vfio_pci)));
  rmmod.go();
  t.is(rmmod.result, -11);
  t.is(run(module_refcount(vfio_pci)), 2);
});

test('a module whose own reference was put cannot be unloaded: the kernel has a BUG_ON for that', (t) => {
  const { objects, run } = heldBy(0);
  run(module_put(vfio_pci));
  t.is(objects.start('rmmod', delete_module(vfio_pci, exit)).go().status, 'stopped');
  t.deepEqual(objects.splats, ['bug: kernel BUG: ret < 0 (stops)']);
});

test('more than 64 users are an error of the model', (t) => {
  const { range } = module();
  t.deepEqual(
    [-1, 0, 64, 65].map((refcnt) => range({ refcnt })),
    [false, true, true, false],
  );
});

test('once it is going it cannot be got, and once it is gone to ask is a use after free', (t) => {
  const { objects, run } = heldBy(0);
  const rmmod = objects.start('rmmod', delete_module(vfio_pci, exit));
  rmmod.step();
  t.false(run(try_module_get(vfio_pci)));
  rmmod.step();
  t.false(run(try_module_get(vfio_pci)));
  rmmod.go();
  run(try_module_get(vfio_pci));
  t.deepEqual(objects.splats, [UNLOADED]);
});

test('its code can be run while it is going, and not once it is unloaded', (t) => {
  const { objects, run } = heldBy(0);
  const rmmod = objects.start('rmmod', delete_module(vfio_pci, exit));
  rmmod.step();
  rmmod.step();
  run(module_text(vfio_pci, 'exit()'));
  t.deepEqual(objects.splats, []);
  rmmod.go();
  run(module_text(vfio_pci, 'return'));
  t.deepEqual(objects.splats, [UNLOADED]);
});

test('__module_get asks nothing, not even whether it is going', (t) => {
  const { objects, run } = heldBy(0);
  const rmmod = objects.start('rmmod', delete_module(vfio_pci, exit));
  rmmod.step();
  rmmod.step();
  run(__module_get(vfio_pci));
  t.deepEqual(objects.splats, []);
  t.false(run(try_module_get(vfio_pci)), 'a count above 0 does not help what is going');
});

test('two who unload it at once: one waits for the other, and finds it gone', (t) => {
  const { objects } = heldBy(0);
  const [first, second] = ['first', 'second'].map((name) => objects.start(name, delete_module(vfio_pci, exit)));
  first?.step();
  t.true(second?.isBlocked);
  first?.go();
  second?.go();
  t.deepEqual([first?.result, second?.result], [0, -16]);
});
