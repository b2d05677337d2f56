import test from 'ava';
import { inList } from '../../src/reporters/numbered-list.ts';
import type { Row } from '../../src/reporters/rows.ts';

const enter = (says: string): Row => ({ kind: 'enter', thread: 'a', depth: 0, says });

const step = (index: number, functions: readonly string[], says: string): Row =>
  ({
    kind: 'step',
    thread: 'a',
    depth: functions.length,
    step: { index, functions, callSites: functions.map(() => ''), c: says },
    spoken: { says, note: null },
    marked: false,
  }) as unknown as Row;

test('a step names its function where a call was entered, and where one has returned', (t) => {
  const rows = [
    enter('remove()'),
    enter('put()'),
    step(1, ['remove', 'put'], 'one()'),
    step(2, ['remove', 'put'], 'two()'),
    step(3, ['remove'], 'three()'),
    step(4, ['remove'], 'four()'),
  ];
  t.deepEqual(inList(rows), ['  1. [a] put(): one()', '  2. [a] two()', '  3. [a] remove(): three()', '  4. [a] four()']);
});
