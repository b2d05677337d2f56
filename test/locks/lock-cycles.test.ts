import test from 'ava';
import { cyclesIn } from '../../src/locks/lock-cycles.ts';
import type { LockEdge } from '../../src/locks/lock-edges.ts';

/** `a b` is an edge; `a(r) b` holds a for reading, `a b(rr)` asks for b as a reader that may nest. */
const edge = (text: string): LockEdge => {
  const [from = '', to = ''] = text.split(' ').map((name) => name.replace(/\(.*/, ''));
  const [holds = '', takes = ''] = text.split(' ');
  const recursive = takes.endsWith('(rr)');
  return {
    from: { key: from, name: from },
    to: { key: to, name: to },
    holdsShared: holds.endsWith('(r)'),
    takesShared: recursive || takes.endsWith('(r)'),
    recursive,
    tried: false,
    attempts: [],
  };
};
const cycles = (...edges: readonly string[]): readonly string[] =>
  cyclesIn(edges.map(edge)).map((cycle) => cycle.map(({ edges: [{ from }] }) => from.key).join(' '));

test('each circle is told once, from the class that comes first', (t) => {
  t.deepEqual(cycles('a b', 'b c'), []);
  t.deepEqual(cycles('b a', 'a b'), ['a b']);
  t.deepEqual(cycles('c a', 'b c', 'a b'), ['a b c']);
  t.deepEqual(cycles('a b', 'b c', 'c d', 'd a'), ['a b c d']);
  t.deepEqual(cycles('a b', 'b a', 'c d', 'd c'), ['a b', 'c d']);
});

test('where each two are taken in both orders, circles of three say nothing new', (t) => {
  t.deepEqual(cycles('a b', 'b c', 'c a', 'a c', 'c b', 'b a'), ['a b', 'a c', 'b c']);
});

test('what has the classes of a shorter circle says nothing new', (t) => {
  t.deepEqual(cycles('a b', 'b c', 'c a', 'a c'), ['a c']);
});

test('an edge from a class to itself is no circle', (t) => {
  t.deepEqual(cycles('a a', 'a b'), []);
});

test('readers of a semaphore hold each other up, as a writer may wait between them', (t) => {
  t.deepEqual(cycles('a(r) b', 'b a(r)'), ['a b']);
});

test('readers that may nest do not: the lock that is then held for reading begins no chain', (t) => {
  t.deepEqual(cycles('a(r) b', 'b a(rr)'), []);
  t.deepEqual(cycles('a b', 'b a(rr)'), ['a b']);
  t.deepEqual(cycles('a(r) b', 'b a'), ['a b']);
  t.deepEqual(cycles('a(r) b', 'a b', 'b a(rr)'), ['a b']);
});
