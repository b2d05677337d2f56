/** The compressed set of states against a plain map of their texts. */
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { VisitedSet } from '../../src/explore/visited-set.ts';

const widths = fc.integer({ min: 2, max: 40 });
const moves = fc.array(fc.tuple(fc.nat(39), fc.nat(3), fc.nat(39), fc.nat(3)), { minLength: 1, maxLength: 300 });

testProp(
  'a walk by single steps: each vector has one id, comes back whole, and is known only once',
  [widths, moves],
  (t, width, walk) => {
    const set = new VisitedSet(width);
    const ids = new Map<string, number>();
    const vector = new Int32Array(width);
    const copy = new Int32Array(width);
    const idOf = (answer: number): number => {
      const known = ids.get(vector.join());
      t.is(answer < 0, known === undefined);
      const id = answer < 0 ? ~answer : answer;
      if (known === undefined) ids.set(vector.join(), id);
      else t.is(id, known);
      return id;
    };
    let at = idOf(set.add(vector));
    for (const [place, value, other, otherValue] of walk) {
      set.get(at, vector);
      const places = Int32Array.of(place % width, other % width);
      vector[places[0] as number] = value;
      vector[places[1] as number] = otherValue;
      t.is(set.idOf(vector), ids.get(vector.join()) ?? -1);
      at = idOf(set.addBeside(vector, places, 2));
      t.is(idOf(set.add(vector)), at);
      set.get(at, copy);
      t.deepEqual(copy, vector);
    }
    t.is(set.size, ids.size);
  },
);

test('vectors that differ in one place of many share all the rest: a state costs its root and its share of the index', (t) => {
  const set = new VisitedSet(12);
  const vector = new Int32Array(12);
  const values = 400_000;
  // Two halves of some hundred values each, as objects and threads have that know little of each other.
  for (let n = 0; n < values; n++) {
    for (let place = 0; place < 12; place++) vector[place] = (Math.trunc(n / (place < 6 ? 1 : 640)) % 640) >> (place % 6);
    set.add(vector);
  }
  t.is(set.size, values);
  t.true(set.bytes / set.size < 16, `${set.bytes / set.size} bytes a state`);
});
