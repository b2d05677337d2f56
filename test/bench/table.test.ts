import test from 'ava';
import { ROWS, rowOf } from '../../bench/rows.ts';
import { FOOT, HEAD, tableLines } from '../../bench/table.ts';
import { benchSchema } from '../../src/reporters/schemas.ts';

const row = rowOf({
  work: 'guarded counter, loop',
  n: 7,
  states: 40_000,
  seconds: 2,
  bytes: 600_000,
  peer: { name: 'spin', states: 28_500_000, seconds: 80 },
});

test('a row says how fast it went, and how much of the time of its peer it took', (t) => {
  t.deepEqual([row.statesPerSecond, row.bytesPerState, row.ratio], [20_000, 15, 0.025]);
  const alone = rowOf({ work: 'x', n: 1, states: 10, seconds: 1 });
  t.deepEqual([alone.bytesPerState, alone.peer, alone.ratio], [null, null, null]);
  t.deepEqual(benchSchema.parse({ schema: 'interlock.bench/1', rows: [row, alone] }).rows, [row, alone]);
});

test('the table fits 80 columns, also with the longest names', (t) => {
  const rows = ROWS.flatMap(({ work }) => tableLines({ ...row, work, states: 123_456_789, seconds: 12_345 }));
  for (const line of [HEAD, ...rows, ...FOOT]) t.true(line.length <= 80, line);
  t.deepEqual(tableLines(row), [
    'guarded counter, loop                7    40.0k    2.00   15.0    80.00    0.03',
    '    against spin: 28.5M states',
  ]);
});

test('no two rows have the same name, and some are left out in a hurry', (t) => {
  t.is(new Set(ROWS.map(({ work }) => work)).size, ROWS.length);
  t.true(ROWS.some(({ isLong }) => isLong));
});
