import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { inColumns } from '../../src/reporters/columns.ts';
import { WIDTH } from '../../src/reporters/layout.ts';
import { inList } from '../../src/reporters/numbered-list.ts';
import type { Row } from '../../src/reporters/rows.ts';
import type { TraceStep } from '../../src/trace/trace.ts';

const columns = (...threads: readonly string[]) => threads.map((thread, i) => ({ thread, name: `CPU${i}` }));

const step = (thread: string, depth: number, says: string, note: string | null = null, marked = false, index = 1): Row => ({
  kind: 'step',
  thread,
  depth,
  step: { index } as TraceStep,
  spoken: { says, note },
  marked,
});
const enter = (thread: string, depth: number, says: string): Row => ({ kind: 'enter', thread, depth, says });

const drawn = (rows: readonly Row[], ...threads: readonly string[]): string =>
  `\n${inColumns(rows, columns(...threads), false).join('\n')}\n`;

test('two short columns stand where people put them', (t) => {
  t.is(
    drawn(
      [enter('open', 0, 'open()'), step('close', 0, 'kfree(toy)'), step('open', 1, 'refcount_inc(&toy->users)')],
      'open',
      'close',
    ),
    `
CPU0 (open)                         CPU1 (close)
-----------                         ------------
open()
                                    kfree(toy)
  refcount_inc(&toy->users)
`,
  );
});

test('a column gives way to the left, so that its longest line fits', (t) => {
  t.is(
    drawn(
      [step('open', 0, 'kfree(toy)'), step('close', 1, 'refcount_inc_not_zero(&device->refcount) == false')],
      'open',
      'close',
    ),
    `
CPU0 (open)             CPU1 (close)
-----------             ------------
kfree(toy)
                          refcount_inc_not_zero(&device->refcount) == false
`,
  );
});

test('columns too close for their names have a head like a stair', (t) => {
  t.is(
    drawn(
      [
        step('registrar_a', 0, 'kfree(toy)'),
        step('registrar_b', 0, 'kfree(toy)'),
        step('user', 0, 'refcount_inc_not_zero(&device->refcount) == false'),
      ],
      'registrar_a',
      'registrar_b',
      'user',
    ),
    `
CPU0 (registrar_a)
----           CPU1 (registrar_b)
               ----       CPU2 (user)
                          ----
kfree(toy)
               kfree(toy)
                          refcount_inc_not_zero(&device->refcount) == false
`,
  );
});

test('a counter that does not fit beside its call stands under it', (t) => {
  const says = 'refcount_dec_and_test(&device->some_long_name_of_a_refcount) == true';
  t.is(
    drawn([step('put', 0, says, 'some_long_name_of_a_refcount 1 -> 0')], 'put'),
    `
CPU0 (put)
----------
${says}
  some_long_name_of_a_refcount 1 -> 0
`,
  );
});

test('what went wrong stands under carets as wide as the call, and the counter after them', (t) => {
  const says = 'refcount_set(&device->a_refcount_with_quite_a_long_name_of_its_own, 1)';
  t.is(
    drawn(
      [step('put', 0, says, 'refcount 2 -> 1', true), { kind: 'wrong', thread: 'put', depth: 0, says: 'a reference is lost' }],
      'put',
    ),
    `
  CPU0 (put)
  ----------
* ${says}
  ${'^'.repeat(says.length)}
  refcount 2 -> 1
  a reference is lost
`,
  );
});

test('steps of a loop carry the numbers to which its end goes back', (t) => {
  const rows: readonly Row[] = [
    step('a', 0, 'one()', null, false, 9),
    { kind: 'loop' },
    step('a', 0, 'two()', null, true, 10),
    { kind: 'again', from: 10 },
  ];
  t.deepEqual(inColumns(rows, columns('a'), true), [
    '     CPU0 (a)',
    '     --------',
    ' 9   one()',
    '     loop:',
    '10 * two()',
    '     (again from step 10)',
  ]);
});

const word = fc.stringMatching(/^[a-z_]{1,40}$/);
const rowOf = (threads: readonly string[]): fc.Arbitrary<Row> => {
  const inColumn = { thread: fc.constantFrom(...threads), depth: fc.nat(40) };
  const says = fc
    .tuple(word, fc.array(word, { maxLength: 3 }))
    .map(([name, args]) => `${name}(${args.map((arg) => `&x->${arg}`).join(', ')})`);
  const note = fc.option(word.map((name) => `${name} 1 -> 0`));
  const taken = fc.record({ ...inColumn, says, note, marked: fc.boolean(), index: fc.integer({ min: 1, max: 9999 }) });
  return fc.oneof(
    taken.map(({ thread, depth, says, note, marked, index }) => step(thread, depth, says, note, marked, index)),
    fc.record({ ...inColumn, kind: fc.constant('enter' as const), says }),
    fc.record({ ...inColumn, kind: fc.constant('elided' as const), says: fc.constant('[... 12 steps]') }),
    fc.record({ ...inColumn, kind: fc.constant('stuck' as const), says, waits: says }),
    fc.record({ ...inColumn, kind: fc.constant('wrong' as const), says: fc.array(word).map((words) => words.join(' ')) }),
    fc.record({ kind: fc.constant('result' as const), says: fc.array(word).map((words) => words.join(' ')) }),
  );
};
const drawing = fc
  .uniqueArray(word, { minLength: 1, maxLength: 3 })
  .chain((threads) => fc.record({ threads: fc.constant(threads), rows: fc.array(rowOf(threads)), numbered: fc.boolean() }));

const tooWide = (lines: readonly string[]): readonly string[] => lines.filter(({ length }) => length > WIDTH);

testProp('no drawing is wider than 75 columns, whatever is in it', [drawing], (t, { threads, rows, numbered }) => {
  t.deepEqual(tooWide(inColumns(rows, columns(...threads), numbered)), []);
});

testProp('nor is a list, as long as its names are names', [drawing], (t, { rows }) => {
  t.deepEqual(tooWide(inList(rows)), []);
});
