/** Files in sysfs: who is inside one of their methods, who removes them, and who removes the file that it is inside of. */
import test from 'ava';
import { echo, type KernfsNode, sysfs_remove_file, sysfs_remove_file_self } from '../../actors/driver-core/kernfs.ts';
import type { Operation } from '../../actors/step.ts';
import { load } from '../../actors/sync/memory.ts';
import { kernfs_node, kernfsTree } from '../../machines/driver-core/kernfs.ts';
import { handleAt } from '../../machines/object.ts';
import { Objects } from './subject.ts';

const files = handleAt<Parameters<typeof echo>[0]>('sysfs.files');

const tree = () => {
  const { active, priv } = kernfs_node('remove').parts;
  const objects = new Objects({ 'sysfs.files': kernfsTree(), 'node.active': active, 'node.priv': priv });
  objects.at('sysfs.files').say('kernfs_add_one', { name: 'remove', node: { at: 'node' } });
  return objects;
};

/** A method of one step. */
const reads = (node: KernfsNode): Operation<number> =>
  (function* () {
    yield* load(node.priv);
    return 0;
  })();
/** One that removes its own file: 1 where it has. */
const removesItself = (node: KernfsNode): Operation<number> =>
  (function* () {
    return (yield* sysfs_remove_file_self(files, 'remove', node)) ? 1 : 0;
  })();

test('who removes a file waits for who is inside', (t) => {
  const objects = tree();
  const user = objects.start('user', echo(files, 'remove', reads));
  user.step();
  user.step();
  const remover = objects.start('remover', sysfs_remove_file(files, 'remove')).go();
  t.is(remover.next, 'kernfs_drain');
  t.true(remover.isBlocked);
  user.go();
  remover.go();
  t.is(remover.status, 'ended');
});

test('nobody gets in any more who has found the file before', (t) => {
  const objects = tree();
  const late = objects.start('late', echo(files, 'remove', reads));
  late.step();
  objects.run('remover', sysfs_remove_file(files, 'remove'));
  t.is(late.go().result, -19);
  t.is(objects.run('later', echo(files, 'remove', reads)).result, -2);
});

test('of two who are inside and remove their own file one does, and the other waits until that one is out', (t) => {
  const objects = tree();
  const first = objects.start('first', echo(files, 'remove', removesItself));
  const second = objects.start('second', echo(files, 'remove', removesItself));
  for (const each of [first, second, first, second]) each.step();
  first.step();
  second.step();
  t.is(second.next, 'wait_for_suicide');
  while (first.next !== 'kernfs_put_active') first.step();
  t.true(second.isBlocked);
  t.is(first.go().result, 1);
  t.is(second.go().result, 0);
});

test('who had begun to wait, and does not look while the file is being removed from inside, waits for the method', (t) => {
  const objects = tree();
  const inside = objects.start('inside', echo(files, 'remove', removesItself));
  inside.step();
  inside.step();
  const remover = objects.start('remover', sysfs_remove_file(files, 'remove')).go();
  t.true(remover.isBlocked);
  inside.step();
  t.false(remover.isBlocked);
  while (inside.next !== 'kernfs_put_active') inside.step();
  t.true(remover.isBlocked);
  inside.go();
  t.false(remover.isBlocked);
});
