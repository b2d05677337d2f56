/** Designs of one small scenario that differ in a lock, for what compares designs. */
import type { Operation } from '../../actors/step.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { call, local, variant } from '../../src/index.ts';
import { type Cells, cells, increment, locked_increment, scenarioOf } from './tiny.ts';

export const first = local<number>('first');
export const second = local<number>('second');

export function* nested({ m, n }: Cells): Operation<number> {
  yield* mutex_lock(m);
  yield* mutex_lock(n);
  yield* mutex_unlock(n);
  yield* mutex_unlock(m);
  return 0;
}

export function* nested_otherwise({ m, n }: Cells): Operation<number> {
  yield* mutex_lock(n);
  yield* mutex_lock(m);
  yield* mutex_unlock(m);
  yield* mutex_unlock(n);
  return 0;
}

const twice = (operation: (cells: Cells) => Operation<number>, expect: readonly { kind: 'end-state'; object: string }[]) =>
  variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(operation, cells).into(first)], b: [call(operation, cells).into(second)] }),
    atEnd: { 'both are counted': ({ cells }) => cells.x.value === 2 },
    expect,
  });

const once = (operation: (cells: Cells) => Operation<number>) =>
  variant({ objects: { cells }, threads: ({ cells }) => ({ a: [call(operation, cells)] }), expect: [] });

/** `bare` and `locked` are a race and its fix; `one-way` and `other-way` take two locks in either order. */
export const designs = scenarioOf({
  bare: twice(increment, [{ kind: 'end-state', object: 'cells.x' }]),
  locked: twice(locked_increment, []),
  unasked: variant({
    summary: 'Nobody asks whether both are counted.',
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(increment, cells).into(first)], b: [call(increment, cells).into(second)] }),
    expect: [],
  }),
  watched: variant({
    summary: 'That both have read 0 is wrong already.',
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(increment, cells).into(first)], b: [call(increment, cells).into(second)] }),
    always: { 'one at a time': ({ next }) => !(next('a') === 'store' && next('b') === 'store') },
    expect: [{ kind: 'invariant', object: '' }],
  }),
  'one-way': once(nested),
  'other-way': once(nested_otherwise),
});
