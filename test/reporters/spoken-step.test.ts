import test from 'ava';
import { shorten, speak, subjectOf } from '../../src/reporters/spoken-step.ts';
import type { TraceStep } from '../../src/trace/trace.ts';

const taken = (more: Partial<TraceStep>): TraceStep =>
  ({ c: 'f(&x)', reply: null, means: { kind: 'update' }, way: null, object: 'x', changes: [], ...more }) as TraceStep;
const says = (more: Partial<TraceStep>): string => speak(taken(more)).says;

test('a step says what the code got, where it got something', (t) => {
  t.is(says({}), 'f(&x)');
  t.is(says({ reply: 0 }), 'f(&x) = 0');
  t.is(says({ reply: false }), 'f(&x) == false');
  t.is(says({ reply: { at: 'NULL' } }), 'f(&x) = NULL');
  t.is(says({ reply: { at: 'unbound@probe#2' } }), 'f(&x) = unbound');
  t.is(says({ reply: 'name' }), 'f(&x) = "name"');
});

test('a bare field that is read does not look like an assignment', (t) => {
  t.is(says({ c: 'device->group', reply: { at: 'NULL' } }), 'device->group == NULL');
});

test('the way that was taken is named, unless the call says it itself', (t) => {
  t.is(says({ c: 'wait(&x)', way: 'done' }), 'wait(&x)  -> done');
  t.is(says({ c: 'wait(&x): time is up', way: 'timeout' }), 'wait(&x): time is up');
});

const counter = (before: number, after: number, more: Partial<TraceStep> = {}) =>
  speak(
    taken({
      object: 'device.refcount',
      changes: [
        {
          path: 'device.refcount',
          before: { state: 'live', context: { n: before } },
          after: { state: 'saturated', context: { n: after } },
        },
      ],
      ...more,
    }),
  ).note;

test('a counter that changes is shown before and after', (t) => {
  t.is(counter(1, 0), 'refcount 1 -> 0');
});

test('a counter that is poisoned is shown by the name of its state', (t) => {
  t.is(counter(0, -1073741824), 'refcount 0 -> saturated');
});

test('neither a lock nor an assignment is taken for a counter', (t) => {
  t.is(counter(0, 1, { means: { kind: 'acquire' } }), null);
  t.is(counter(0, 1, { c: 'device->minor = 1' }), null);
});

test('what does not fit loses its paths, then its arguments, then its end', (t) => {
  const long = 'refcount_inc_not_zero(&device->refcount) == false';
  t.is(shorten(long, 60), long);
  t.is(shorten(long, 45), 'refcount_inc_not_zero(&refcount) == false');
  t.is(shorten(long, 36), 'refcount_inc_not_zero(...) == false');
  t.is(shorten(long, 20), 'refcount_inc_not_...');
});

test('a lock is called what its call locks, and else by the call', (t) => {
  t.is(subjectOf('mutex_lock_nested(&a->lock, 1)'), '&a->lock');
  t.is(subjectOf('rcu_read_lock()'), 'rcu_read_lock()');
});
