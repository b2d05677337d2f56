/** Data races among stored states: two accesses that are next at once, one plain, one a write. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { racesIn } from '../../src/edits/races.ts';
import { call, variant } from '../../src/index.ts';
import { plain } from '../helpers/searches.ts';
import { cells, type Cells } from '../helpers/tiny.ts';

type Code = (cells: Cells) => Operation<unknown>;

/** Of each race the field, whether it can come first, and how many steps lead to and through it. */
function races(one: Code, other: Code): readonly string[] {
  const design = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(one, cells)], b: [call(other, cells)] }),
    always: { 'z is never 3': ({ cells: { z } }) => z.value !== 3 },
    expect: [],
  });
  const explored = plain(design);
  return racesIn(explored).map(({ fault, primary, way }) =>
    [explored.judge.faults[fault]?.object, primary ? 'first' : 'after another', way().length].join(' '),
  );
}

const writes: Code = ({ x }) => store(x, 1);
const reads: Code = ({ x }) => load(x);
const marks: Code = ({ x }) => WRITE_ONCE(x, 1);
const peeks: Code = ({ x }) => READ_ONCE(x);
const locked = (code: Code): Code =>
  function* (cells): Operation {
    yield* mutex_lock(cells.m);
    yield* code(cells);
    yield* mutex_unlock(cells.m);
  };

test('a plain access and a write race, and one plain side is enough', (t) => {
  t.deepEqual(races(writes, reads), ['cells.x first 2']);
  t.deepEqual(races(writes, peeks), ['cells.x first 2']);
  t.deepEqual(races(reads, marks), ['cells.x first 2']);
});

test('two reads do not, nor do two marked accesses, nor accesses under one lock', (t) => {
  t.deepEqual(races(reads, reads), []);
  t.deepEqual(races(marks, peeks), []);
  t.deepEqual(races(locked(writes), locked(reads)), []);
  t.deepEqual(races(locked(writes), reads), ['cells.x first 3']);
});

test('a race that comes only after something else is no first finding', (t) => {
  const spoils: Code = function* ({ z, x }): Operation {
    yield* WRITE_ONCE(z, 3);
    yield* store(x, 1);
  };
  t.deepEqual(races(spoils, reads), ['cells.x after another 3']);
});
