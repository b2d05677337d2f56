/** An idr and an ida give the lowest number that is free. */
import test from 'ava';
import {
  ida_alloc,
  ida_alloc_max,
  ida_free,
  idr_alloc,
  idr_find,
  idr_is_empty,
  idr_remove,
  idr_replace,
} from '../../actors/sync/idr.ts';
import { type Handle, handleAt, NULL } from '../../machines/object.ts';
import { type Ida, type Idr, ida, idr } from '../../machines/sync/idr.ts';
import { Objects } from './subject.ts';

const table: Handle<Idr> = handleAt('vfio.group_idr');
const numbers: Handle<Ida> = handleAt('vfio.device_ida');
const [a, b, c] = ['a', 'b', 'c'].map((path) => handleAt<{ path: string }>(path)) as [Handle<Idr>, Handle<Idr>, Handle<Idr>];

const fresh = () => {
  const objects = new Objects({ 'vfio.group_idr': idr(), 'vfio.device_ida': ida() });
  return { objects, run: <R>(operation: Parameters<typeof objects.run<R>>[1]) => objects.run('t', operation).result };
};

test('an idr gives 0, 1, 2, and again what was given back', (t) => {
  const { objects, run } = fresh();
  t.deepEqual([run(idr_alloc(table, a)), run(idr_alloc(table, b)), run(idr_alloc(table, c))], [0, 1, 2]);
  t.is(run(idr_remove(table, 1)), b);
  t.is(run(idr_alloc(table, a)), 1);
  t.deepEqual(objects.at('vfio.group_idr').context, { entries: { 0: { at: 'a' }, 1: { at: 'a' }, 2: { at: 'c' } } });
});

test('it begins at `start`, ends before `end`, and says -ENOSPC where nothing is free', (t) => {
  const { run } = fresh();
  t.deepEqual(
    [1, 2, 3].map(() => run(idr_alloc(table, a, 5, 7))),
    [5, 6, -28],
  );
});

test('an end of 1 leaves one number, an end of 0 leaves all', (t) => {
  const { run } = fresh();
  t.deepEqual([run(idr_alloc(table, a, 0, 1)), run(idr_alloc(table, a, 0, 1)), run(idr_alloc(table, a, 0, 0))], [0, -28, 1]);
});

test('it finds what is there under a number, and NULL under any other', (t) => {
  const { run } = fresh();
  run(idr_alloc(table, a));
  t.is(run(idr_find(table, 0)), a);
  t.is(run(idr_find(table, 1)), NULL);
});

test('a number may be taken for nothing yet, and its object put there later', (t) => {
  const { run } = fresh();
  run(idr_alloc(table, NULL));
  t.is(run(idr_find(table, 0)), NULL);
  t.is(run(idr_replace(table, b, 0)), 0);
  t.is(run(idr_find(table, 0)), b);
  t.is(run(idr_replace(table, b, 1)), -2);
});

test('removing what is not there says nothing', (t) => {
  const { objects, run } = fresh();
  t.is(run(idr_remove(table, 3)), NULL);
  t.deepEqual(objects.splats, []);
});

test('it is empty until something is in it', (t) => {
  const { run } = fresh();
  t.true(run(idr_is_empty(table)));
  run(idr_alloc(table, a));
  t.false(run(idr_is_empty(table)));
});

test('what is left is the same snapshot, in whatever order it came', (t) => {
  const forth = fresh();
  forth.run(idr_alloc(table, a));
  forth.run(idr_alloc(table, b));
  const back = fresh();
  back.run(idr_alloc(table, b, 1));
  back.run(idr_alloc(table, a));
  const key = ({ objects }: typeof forth) => JSON.stringify(objects.at('vfio.group_idr').context);
  t.is(key(forth), key(back));
});

test('an ida gives 0, 1, and again what was given back', (t) => {
  const { run } = fresh();
  t.deepEqual([run(ida_alloc(numbers)), run(ida_alloc(numbers))], [0, 1]);
  run(ida_free(numbers, 0));
  t.is(run(ida_alloc(numbers)), 0);
});

test('ida_alloc_max gives up to and with its limit', (t) => {
  const { run } = fresh();
  t.deepEqual(
    [1, 2, 3].map(() => run(ida_alloc_max(numbers, 1))),
    [0, 1, -28],
  );
  t.is(run(ida_alloc(numbers)), 2);
});

test('a number is given back that nobody has: the kernel warns and names it', (t) => {
  const { objects, run } = fresh();
  run(ida_free(numbers, 3));
  t.deepEqual(objects.splats, ['warn: ida_free called for id=3 which is not allocated.']);
  t.deepEqual(objects.at('vfio.device_ida').context, { ids: [] });
});

test('64 numbers are an error of the model', (t) => {
  t.true(idr().range({ entries: { 63: { at: 'a' } } }));
  t.false(idr().range({ entries: { 64: { at: 'a' } } }));
  t.false(ida().range({ ids: [64] }));
});
