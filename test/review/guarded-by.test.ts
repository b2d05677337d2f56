import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import {
  complete,
  completion,
  down_read,
  down_write,
  field,
  type HandleTo,
  kfree,
  load,
  mutex_lock,
  mutex_unlock,
  type Operation,
  READ_ONCE,
  rwsem,
  store,
  struct,
  up_read,
  up_write,
  wait_for_completion,
  WARN_ON,
  WRITE_ONCE,
} from '../../actors/primitives.ts';
import { call, variant } from '../../src/index.ts';
import { type Cells, cells, increment, locked_increment, read, write } from '../helpers/tiny.ts';
import { fieldOf, lockingOf, rules } from './learn.ts';

test('a lock that is held at every access guards the field, for reads and for writes', async (t) => {
  const counter = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(locked_increment, cells)], b: [call(locked_increment, cells)] }),
    expect: [],
  });
  const x = fieldOf(await lockingOf(t, counter), 'cells->x');
  t.deepEqual(rules(x), ['cells->m 0/1', 'cells->m 0/1']);
  t.deepEqual(x.threads, ['a', 'b']);
  t.false(x.single);
  t.deepEqual(x.writes.sites[0]?.meets, []);
  t.is(x.writes.sites[0]?.function, 'increment');
});

function* store_under_m({ m, x }: Cells): Operation {
  yield* mutex_lock(m);
  yield* store(x, 1);
  yield* mutex_unlock(m);
}
function* load_under_m({ m, x }: Cells): Operation {
  yield* mutex_lock(m);
  yield* load(x);
  yield* mutex_unlock(m);
}
function* store_bare({ x }: Cells): Operation {
  yield* store(x, 2);
}

test('who writes without the lock that the others hold breaks the rule, and can be at it beside them', async (t) => {
  const careless = variant({
    objects: { cells },
    threads: ({ cells }) => ({
      a: [call(locked_increment, cells)],
      b: [call(store_under_m, cells)],
      c: [call(store_bare, cells)],
    }),
    expect: [],
  });
  const x = fieldOf(await lockingOf(t, careless), 'cells->x');
  t.deepEqual(rules(x), ['cells->m 1/3', 'cells->m 0/1']);
  const [breaks, ...others] = x.writes.sites.filter((site) => site.breaks);
  t.deepEqual(others, []);
  t.deepEqual([breaks?.function, breaks?.threads, breaks?.held], ['store_bare', ['c'], []]);
  t.deepEqual(breaks?.meets, ['increment', 'store_under_m']);
});

test('who reads without the lock of the writers breaks the rule even where all readers do', async (t) => {
  const peeking = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(store_under_m, cells)], b: [call(store_under_m, cells)], c: [call(read, cells.x)] }),
    expect: [],
  });
  const { reads } = fieldOf(await lockingOf(t, peeking), 'cells->x');
  t.deepEqual([reads.locks, reads.broken], [[], 1]);
  t.deepEqual(
    reads.sites.map(({ breaks, meets }) => ({ breaks, meets })),
    [{ breaks: true, meets: ['store_under_m'] }],
  );
});

test('a lock that nobody else takes excludes nobody', async (t) => {
  const alone = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(store_under_m, cells)], b: [call(read, cells.x)] }),
    expect: [],
  });
  t.deepEqual(rules(fieldOf(await lockingOf(t, alone), 'cells->x')), ['- 0/1', '- 0/1']);
});

function* under_lock_of(holder: Cells, { x }: Cells): Operation {
  yield* mutex_lock(holder.m);
  yield* store(x, 1);
  yield* mutex_unlock(holder.m);
}

test('the lock of another object of the same struct is another lock', async (t) => {
  const crossed = variant({
    objects: { one: cells, other: cells },
    threads: ({ one, other }) => ({ a: [call(under_lock_of, one, one)], b: [call(under_lock_of, other, one)] }),
    expect: [],
  });
  t.deepEqual(rules(fieldOf(await lockingOf(t, crossed), 'cells->x')), ['- 0/2', '- 0/0']);
  // Not even where several hold each.
  const mixed = variant({
    objects: { one: cells, other: cells },
    threads: ({ one, other }) => ({
      a: [call(under_lock_of, one, one)],
      b: [call(under_lock_of, one, one)],
      c: [call(under_lock_of, other, one)],
      d: [call(under_lock_of, other, one)],
    }),
    expect: [],
  });
  t.deepEqual(rules(fieldOf(await lockingOf(t, mixed), 'cells->x')), ['- 0/2', '- 0/0']);
  const own = variant({
    objects: { one: cells, other: cells },
    threads: ({ one, other }) => ({
      a: [call(under_lock_of, one, one), call(under_lock_of, other, other)],
      b: [call(under_lock_of, one, one), call(under_lock_of, other, other)],
    }),
    expect: [],
  });
  t.is(rules(fieldOf(await lockingOf(t, own), 'cells->x'))[0], 'cells->m 0/2');
});

const shelf = struct('shelf', {
  sem: rwsem(),
  x: field<number>(0),
  y: field<number>(0),
  done: completion(),
  flag: field<number>(0),
});
interface Shelf extends HandleTo<typeof shelf> {}

function* look({ sem, x, y }: Shelf): Operation {
  yield* down_read(sem);
  yield* load(x);
  yield* store(y, 1);
  yield* up_read(sem);
}
function* put({ sem, x, y }: Shelf): Operation {
  yield* down_write(sem);
  yield* store(x, 1);
  yield* store(y, 2);
  yield* up_write(sem);
}

test('to hold a semaphore shared is enough to read, and not to write', async (t) => {
  const shared = variant({
    objects: { shelf },
    threads: ({ shelf }) => ({ a: [call(look, shelf)], b: [call(look, shelf)], c: [call(put, shelf)] }),
    expect: [],
  });
  const locking = await lockingOf(t, shared);
  t.deepEqual(rules(fieldOf(locking, 'shelf->x')), ['shelf->sem 0/1', 'shelf->sem 0/1']);
  const y = fieldOf(locking, 'shelf->y');
  t.deepEqual(rules(y), ['shelf->sem 1/2', '- 0/0']);
  t.deepEqual(y.writes.sites.find((site) => site.function === 'look')?.held, ['shelf->sem (shared)']);
  t.deepEqual(y.writes.sites.find((site) => site.function === 'look')?.meets, ['look']);
});

function* publish({ done, x }: Shelf): Operation {
  yield* store(x, 1);
  yield* complete(done);
}
function* consume({ done, x, y, flag }: Shelf): Operation {
  yield* wait_for_completion(done);
  yield* load(x);
  yield* store(y, 1);
  yield* READ_ONCE(flag);
}
function* mark({ flag }: Shelf): Operation {
  yield* WRITE_ONCE(flag, 1);
}

test('what is waited for, what one thread has to itself, and what is marked is told apart', async (t) => {
  const handed = variant({
    objects: { shelf },
    threads: ({ shelf }) => ({ producer: [call(publish, shelf)], consumer: [call(consume, shelf)], other: [call(mark, shelf)] }),
    expect: [],
  });
  const locking = await lockingOf(t, handed);
  t.true(fieldOf(locking, 'shelf->done').synchronises);
  t.true(fieldOf(locking, 'shelf->y').single);
  const x = fieldOf(locking, 'shelf->x');
  t.false(x.single);
  // The completion keeps them apart: they are never next at the same moment.
  t.deepEqual(
    [...x.writes.sites, ...x.reads.sites].map(({ meets }) => meets),
    [[], []],
  );
  const flag = fieldOf(locking, 'shelf->flag');
  t.deepEqual(
    [...flag.writes.sites, ...flag.reads.sites].map(({ plain }) => plain),
    [false, false],
  );
  t.deepEqual(flag.reads.sites[0]?.meets, ['mark']);
});

function* warn_and_store({ x }: Cells): Operation {
  yield* WARN_ON(true, 'odd');
  yield* store(x, 1);
}

test('nothing is concluded from accesses that are met only after a finding', async (t) => {
  const odd = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(warn_and_store, cells)], b: [call(load_under_m, cells)] }),
    expect: [],
  });
  const x = fieldOf(await lockingOf(t, odd), 'cells->x');
  t.deepEqual([x.threads, x.writes.sites, x.onlyAfter], [['b'], [], 1]);
});

function* free({ path }: Cells): Operation {
  yield* kfree({ path });
}

test('an access to freed memory reaches no field', async (t) => {
  const freed = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(free, cells), call(store_bare, cells)] }),
    expect: [],
  });
  t.deepEqual((await lockingOf(t, freed)).fields, []);
});

test('a reduced search knows the same locks, and does not say what is side by side', async (t) => {
  const careless = variant({
    objects: { cells },
    threads: ({ cells }) => ({
      a: [call(locked_increment, cells)],
      b: [call(locked_increment, cells)],
      c: [call(store_bare, cells)],
    }),
    expect: [],
  });
  const locking = await lockingOf(t, careless, { strategy: 'reduced' });
  const x = fieldOf(locking, 'cells->x');
  t.false(locking.isWhole);
  t.deepEqual(rules(x), ['cells->m 1/2', 'cells->m 0/1']);
  t.is(x.writes.sites[0]?.meets, null);
  t.deepEqual(
    x.writes.sites.filter(({ breaks }) => breaks).map((site) => site.function),
    ['store_bare'],
  );
});

type Section = { readonly locks: readonly ('m' | 'n')[]; readonly does: 'read' | 'write'; readonly field: 'x' | 'y' };
const section: fc.Arbitrary<Section> = fc.record({
  locks: fc.constantFrom<Section['locks']>([], ['m'], ['n'], ['m', 'n']),
  does: fc.constantFrom('read' as const, 'write' as const),
  field: fc.constantFrom('x' as const, 'y' as const),
});

function* run(cells: Cells, sections: readonly Section[]): Operation {
  for (const { locks, does, field: name } of sections) {
    for (const lock of locks) yield* mutex_lock(cells[lock]);
    if (does === 'read') yield* read(cells[name]);
    else yield* write(cells[name], 1);
    for (const lock of locks.toReversed()) yield* mutex_unlock(cells[lock]);
  }
}

testProp(
  'the reduced search concludes what the search of every state does',
  [fc.array(fc.array(section, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 })],
  async (t, threads) => {
    const drawn = variant({
      objects: { cells },
      threads: ({ cells }) =>
        Object.fromEntries(
          threads.map((sections, i): [string, readonly ReturnType<typeof call>[]] => [`t${i}`, [call(run, cells, sections)]]),
        ),
      expect: [],
    });
    const [all, reduced] = [await lockingOf(t, drawn, { strategy: 'plain' }), await lockingOf(t, drawn, { strategy: 'reduced' })];
    const concluded = (locking: typeof all) => locking.fields.map((each) => [each.field, each.threads, ...rules(each)]);
    t.deepEqual(concluded(reduced), concluded(all));
    t.deepEqual(reduced.order, all.order);
    t.deepEqual(
      reduced.locks.map(({ lock, taken, calls }) => [lock, taken.length, calls]),
      all.locks.map(({ lock, taken, calls }) => [lock, taken.length, calls]),
    );
  },
  { numRuns: Number(process.env['AGREEMENT_RUNS'] ?? 60) },
);

test('accesses in a function that is called from two places are of one site', async (t) => {
  const twice = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(increment, cells)], b: [call(locked_increment, cells)] }),
    expect: [],
  });
  const { writes } = fieldOf(await lockingOf(t, twice), 'cells->x');
  // One line, but once with the lock and once without it.
  t.deepEqual(
    writes.sites.map(({ held }) => held),
    [[], ['cells->m']],
  );
  t.is(new Set(writes.sites.map(({ place }) => place?.line)).size, 1);
});
