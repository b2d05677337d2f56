import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { LockOrder } from '../../src/review/lock-order.ts';
import { arrange } from '../../src/reporters/review/lock-graph.ts';
import { drawLockOrder } from '../../src/reporters/review/lock-graph-svg.ts';
import { lockTree } from '../../src/reporters/review/lock-order.ts';
import { isGolden } from '../reporters/golden.ts';

const orderOf = (...pairs: readonly string[]): Pick<LockOrder, 'edges'> => ({
  edges: pairs.map((pair) => {
    const [outer = '', inner = ''] = pair.split(' ');
    return { outer, inner, sites: [], threads: [] };
  }),
});

test('each lock stands below those that it is taken inside of', (t) => {
  const { layers, lines } = arrange(orderOf('a b', 'a c', 'b c', 'b d'));
  t.deepEqual(
    layers.map((row) => row.filter(({ isPassage }) => !isPassage).map(({ name }) => name)),
    [['a'], ['b'], ['c', 'd']],
  );
  // From a to c it goes round b.
  t.deepEqual(
    lines.find(({ outer, inner }) => outer === 'a' && inner === 'c')?.through.map(({ isPassage }) => isPassage),
    [false, true, false],
  );
});

test('of a circle one line leads back', (t) => {
  const { lines } = arrange(orderOf('a b', 'b c', 'c a', 'd d'));
  t.deepEqual(
    lines.filter(({ back }) => back).map(({ outer, inner }) => `${outer} ${inner}`),
    ['c a', 'd d'],
  );
});

test('in characters each lock stands further in than those around it', (t) => {
  t.deepEqual(lockTree(orderOf('a b', 'a c', 'b c', 'c d', 'e f', 'f e')), [
    '  a',
    '    b',
    '      c',
    '        d',
    '    c  (see above)',
    '  e',
    '    f',
    '      e  (a circle)',
  ]);
});

test('the drawing is the same for the same locks, and as it is pinned', (t) => {
  const svg = drawLockOrder(
    orderOf('vfio.group_lock group->device_lock', 'group->device_lock x<y>', 'vfio.group_lock x<y>', 'x<y> vfio.group_lock'),
  );
  isGolden(t, 'lock-order.svg', `${svg}\n`);
});

/** Every tag is closed, in the order in which it was opened. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, close, tag = '', alone] of xml.matchAll(/<(\/?)([a-z]+)(?:\s+[\w:-]+="[^"<&]*")*\s*(\/?)>/gi)) {
    if (close === '/' && open.pop() !== tag) return false;
    if (close === '' && alone === '') open.push(tag);
  }
  const text = xml.replace(/<[^<>]*>/g, '');
  return open.length === 0 && !/[<>]|&(?!(?:amp|lt|gt);)/.test(text);
}

const name = fc.constantFrom('a', 'b', 'c->d', 'e & f', '<g>', 'h/1');
testProp(
  'any order can be drawn: well-formed, each lock once, each pair once, nothing outside of it',
  [fc.uniqueArray(fc.tuple(name, name), { selector: ([a, b]) => `${a} ${b}`, maxLength: 12 })],
  (t, pairs) => {
    const order = { edges: pairs.map(([outer, inner]) => ({ outer, inner, sites: [], threads: [] })) };
    const svg = drawLockOrder(order);
    t.is(svg, drawLockOrder(order));
    t.true(isWellFormed(svg), svg);
    t.is(svg.match(/<rect /g)?.length ?? 0, new Set(pairs.flat()).size);
    t.is(svg.match(/<g>/g)?.length ?? 0, pairs.length);
    const [, width = 0, height = 0] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)?.map(Number) ?? [];
    for (const [, d = ''] of svg.matchAll(/ d="M([\d. L]+)" fill="none"/g))
      for (const at of d.split('L')) {
        const [x = -1, y = -1] = at.split(' ').map(Number);
        t.true(x >= 0 && x <= width && y >= 0 && y <= height, svg);
      }
    t.is(new Set(lockTree(order).map((line) => line.trim().replace(/ {2}\(.*/, ''))).size, new Set(pairs.flat()).size);
  },
);
