import test from 'ava';
import { choose, kfree, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { handleAt, type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { coverVariant, type VariantCoverage } from '../../src/coverage/coverage.ts';
import { merge } from '../../src/coverage/merge.ts';
import { ONLY_STATE } from '../../src/coverage/machines.ts';
import { call, daemon, task, type Variant, variant } from '../../src/index.ts';
import { finish } from '../helpers/searches.ts';
import { type Cells, cells, locked_increment, read, scenarioOf, write } from '../helpers/tiny.ts';

const covered = (it: Variant, maxStates = 100_000): VariantCoverage =>
  finish(coverVariant(scenarioOf({ it }), 'it', it, maxStates));

const machine = ({ machines }: Pick<VariantCoverage, 'machines'>, id: string) => {
  const found = machines.find((each) => each.machine === id);
  if (found === undefined) throw new RangeError(`no ${id}`);
  return found;
};
const arrows = (transitions: readonly { readonly from: string; readonly event: string; readonly to: string }[]) =>
  transitions.map(({ from, event, to }) => `${from} ${event} ${to}`);

function* try_it({ m }: Cells): Operation<boolean> {
  return yield* mutex_trylock(m);
}

const locking = variant({
  objects: { cells },
  threads: ({ cells }) => ({ a: [call(locked_increment, cells)], b: [call(locked_increment, cells)] }),
  sometimes: { 'b waits': ({ blocked }) => blocked('b'), 'x is 3': ({ cells }) => cells.x.value === 3 },
  expect: [{ kind: 'never-reached', object: 'x is 3' }],
});

test('a mutex that is taken and given back was in both of its states, by these transitions', (t) => {
  const { states, entered, taken, parts } = machine(covered(locking), 'mutex');
  t.deepEqual(states, ['locked', 'unlocked']);
  t.deepEqual(entered, ['locked', 'unlocked']);
  t.deepEqual(arrows(taken), ['locked mutex_unlock unlocked', 'unlocked mutex_lock locked']);
  t.deepEqual(parts, [
    { part: 'cells.m', entered: ['locked', 'unlocked'] },
    { part: 'cells.n', entered: ['unlocked'] },
  ]);
});

test('what is written for a machine and never happens is told apart by where it leads', (t) => {
  const { taken, transitions } = machine(
    covered(variant({ objects: { cells }, threads: ({ cells }) => ({ a: [call(try_it, cells)] }), expect: [] })),
    'mutex',
  );
  t.deepEqual(arrows(taken), ['unlocked mutex_trylock locked']);
  t.true(arrows(transitions).includes('locked mutex_trylock locked'));
});

function* use_after_free(it: HandleTo<typeof thing>): Operation {
  yield* kfree(it);
  yield* store(it.n, 1);
}
const thing = struct('thing', { n: field<number>(0) });

test('a step that ends at freed memory says nothing to what lay there', (t) => {
  const { taken } = machine(
    covered(variant({ objects: { thing }, threads: ({ thing }) => ({ a: [call(use_after_free, thing)] }), expect: [] })),
    'field',
  );
  t.deepEqual(taken, []);
});

test('a machine without states has one, and never a transition by a wildcard', (t) => {
  const { states, taken } = machine(covered(locking), 'field');
  t.deepEqual(states, [ONLY_STATE]);
  t.deepEqual(arrows(taken), [`${ONLY_STATE} load ${ONLY_STATE}`, `${ONLY_STATE} store ${ONLY_STATE}`]);
});

const pairsOf = (a: readonly ReturnType<typeof call>[], b: readonly ReturnType<typeof call>[]) =>
  covered(variant({ objects: { cells }, threads: () => ({ a, b }), expect: [] })).pairs.map(
    ({ operations, raced }) => `${operations.join(' ')} ${raced}`,
  );
const { x, y } = handleAt<Cells>('cells');

test('two calls race where they meet at one part, and not both to read it', (t) => {
  t.deepEqual(pairsOf([call(read, x)], [call(write, x, 1)]), ['read write true']);
  t.deepEqual(pairsOf([call(write, x, 1)], [call(write, x, 2)]), ['write write true']);
  t.deepEqual(pairsOf([call(read, x)], [call(read, x)]), ['read read false']);
  t.deepEqual(pairsOf([call(read, x)], [call(write, y, 1)]), ['read write false']);
});

test('calls race for a lock, and what it guards keeps them apart', (t) => {
  t.deepEqual(
    covered(locking).pairs.map(({ operations, raced }) => `${operations.join(' ')} ${raced}`),
    ['locked_increment locked_increment true'],
  );
});

function* allocates({ x: cell }: Cells): Operation<number> {
  if ((yield* choose('kzalloc()', 'succeeds', 'fails')) === 'fails') return -12;
  yield* store(cell, 1);
  return 0;
}
function* works({ x: cell }: Cells): Operation<number> {
  return yield* load(cell);
}
function* gates({ m, x: cell }: Cells): Operation {
  yield* mutex_lock(m);
  yield* store(cell, 0);
  yield* mutex_unlock(m);
}

test('what calls return is told by name, also of those whose result goes nowhere, and that of a daemon is not known', (t) => {
  const { operations } = covered(
    variant({
      objects: { cells },
      threads: ({ cells }) => ({ a: task([call(allocates, cells), call(gates, cells)]), d: daemon([call(works, cells)]) }),
      expect: [],
    }),
  );
  t.deepEqual(operations, [
    { operation: 'allocates', results: ['-ENOMEM', '0'] },
    { operation: 'gates', results: ['nothing'] },
    { operation: 'works', results: [] },
  ]);
});

test('both ways of a choice are taken', (t) => {
  const { ways } = covered(
    variant({ objects: { cells }, threads: ({ cells }) => ({ a: [call(allocates, cells)] }), expect: [] }),
  );
  t.deepEqual(ways, [{ function: 'allocates', step: 'kzalloc()', taken: ['fails', 'succeeds'], never: [] }]);
});

test('what is to be reached is told with whether it was, and whether that is expected', (t) => {
  t.deepEqual(covered(locking).sometimes, [
    { name: 'b waits', reached: true, expected: false },
    { name: 'x is 3', reached: false, expected: true },
  ]);
});

test('a search that was cut says so', (t) => {
  t.is(covered(locking, 3).cut, '3 states');
});

test('together searches cover what each of them covers', (t) => {
  const trying = variant({ objects: { cells }, threads: ({ cells }) => ({ a: [call(try_it, cells)] }), expect: [] });
  const file = (run: readonly [boolean, boolean]) => ({
    file: 'toy.ts',
    functions: [
      { name: 'toy_open', line: 1, run: run[0] },
      { name: 'toy_close', line: 5, run: run[1] },
    ],
    errnos: [{ errno: '-EBUSY', function: 'toy_open', line: 2, run: run[1] }],
  });
  const all = merge([covered(locking), covered(trying)], [file([true, false]), file([false, true])]);
  t.deepEqual(arrows(machine(all, 'mutex').taken), [
    'locked mutex_unlock unlocked',
    'unlocked mutex_lock locked',
    'unlocked mutex_trylock locked',
  ]);
  t.deepEqual(
    all.operations.map(({ operation }) => operation),
    ['locked_increment', 'try_it'],
  );
  t.deepEqual(all.code, [file([true, true])]);
  t.is(all.variants.length, 2);
});

test('it makes no difference in which order searches are put together', (t) => {
  const trying = variant({ objects: { cells }, threads: ({ cells }) => ({ a: [call(try_it, cells)] }), expect: [] });
  const [one, other] = [covered(locking), covered(trying)];
  const { variants: _, ...ab } = merge([one, other], []);
  const { variants: __, ...ba } = merge([other, one], []);
  t.deepEqual(ab, ba);
});
