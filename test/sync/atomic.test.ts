/** An atomic_t counts and checks nothing. */
import test from 'ava';
import { atomic_add_unless, atomic_cmpxchg, atomic_dec_if_positive, atomic_set, atomic_xchg } from '../../actors/sync/atomic.ts';
import { handleAt, type Handle } from '../../machines/object.ts';
import { type Atomic, atomic } from '../../machines/sync/atomic.ts';
import { Objects, Subject } from './subject.ts';

type Row = readonly [event: string, ask: object, from: number, reply: number | boolean | null, to: number];

const rows: readonly Row[] = [
  ['atomic_read', {}, 3, 3, 3],
  ['atomic_set', { n: 7 }, 3, null, 7],
  ['atomic_inc', {}, 0, null, 1],
  ['atomic_dec', {}, 0, null, -1],
  ['atomic_inc_return', {}, -1, 0, 0],
  ['atomic_dec_return', {}, 0, -1, -1],
  ['atomic_sub_return', { n: 1 }, 1, 0, 0],
  ['atomic_dec_and_test', {}, 1, true, 0],
  ['atomic_dec_and_test', {}, 2, false, 1],
  ['atomic_dec_and_test', {}, 0, false, -1],
  ['atomic_inc_not_zero', {}, 0, false, 0],
  ['atomic_inc_not_zero', {}, 1, true, 2],
  ['atomic_inc_not_zero', {}, -1, true, 0],
  ['atomic_dec_if_positive', {}, 2, 1, 1],
  ['atomic_dec_if_positive', {}, 1, 0, 0],
  ['atomic_dec_if_positive', {}, 0, -1, 0],
  ['atomic_dec_if_positive', {}, -3, -4, -3],
  ['atomic_add_unless', { n: 1, unless: 0 }, 0, false, 0],
  ['atomic_add_unless', { n: 2, unless: 0 }, 1, true, 3],
  ['atomic_cmpxchg', { old: 0, new: 1 }, 0, 0, 1],
  ['atomic_cmpxchg', { old: 0, new: 1 }, 1, 1, 1],
  ['atomic_cmpxchg', { old: 0, new: 5 }, 4, 4, 4],
  ['atomic_xchg', { new: 5 }, 4, 4, 5],
];

for (const [event, ask, from, reply, to] of rows)
  test(`${event}(${Object.values(ask).join(', ')}) on ${from} replies ${reply} and leaves ${to}`, (t) => {
    const counter = new Subject(atomic(from));
    t.deepEqual(counter.say(event, ask), { reply, splats: [], stops: false });
    t.deepEqual(counter.context, { n: to });
  });

test('no call has to wait', (t) => {
  for (const n of [-1, 0, 1]) for (const [event, ask] of rows) t.true(new Subject(atomic(n)).can(event, ask), `${event} on ${n}`);
});

test('beyond 64 it leaves its range, which is an error of the model', (t) => {
  const { range } = atomic();
  t.deepEqual(
    [-65, -64, 0, 64, 65].map((n) => range({ n })),
    [false, true, true, true, false],
  );
});

test('each call with arguments is one step that carries them', (t) => {
  const objects = new Objects({ 'device.opened': atomic(1) });
  const opened: Handle<Atomic> = handleAt('device.opened');
  const run = (
    operation: ReturnType<typeof atomic_xchg> | ReturnType<typeof atomic_add_unless> | ReturnType<typeof atomic_set>,
  ) => objects.run<unknown>('t', operation).result;
  t.is(run(atomic_cmpxchg(opened, 1, 3)), 1);
  t.is(run(atomic_xchg(opened, 4)), 3);
  t.is(run(atomic_add_unless(opened, 2, 0)), true);
  t.is(run(atomic_dec_if_positive(opened)), 5);
  run(atomic_set(opened, 0));
  t.deepEqual(objects.at('device.opened').context, { n: 0 });
});
