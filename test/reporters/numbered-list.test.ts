import test from 'ava';
import { inList } from '../../src/reporters/numbered-list.ts';
import type { Row } from '../../src/reporters/rows.ts';
import type { TraceStep } from '../../src/trace/trace.ts';

const enter = (depth: number, says: string): Row => ({ kind: 'enter', thread: 'a', depth, says });

const step = (index: number, depth: number, says: string): Row => ({
  kind: 'step',
  thread: 'a',
  depth,
  step: { index } as TraceStep,
  spoken: { says, note: null },
  marked: false,
});

test('a step names its function where a call was entered, and where one has returned', (t) => {
  const rows = [
    enter(0, 'remove()'),
    enter(1, 'put()'),
    step(1, 2, 'one()'),
    step(2, 2, 'two()'),
    step(3, 1, 'three()'),
    step(4, 1, 'four()'),
  ];
  t.deepEqual(inList(rows), ['  1. [a] put(): one()', '  2. [a] two()', '  3. [a] remove(): three()', '  4. [a] four()']);
});
