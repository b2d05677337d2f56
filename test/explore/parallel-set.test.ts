/** Two visited sets on the same memory are one set, whoever adds what, and after the memory has grown. */
import { fc, testProp } from '@fast-check/ava';
import { controlFor, INNER_LIMIT, INNER_NEXT, ROOTS_LIMIT, ROOTS_NEXT } from '../../src/explore/parallel/control.ts';
import { memoryFor, PAIR, ROOT } from '../../src/explore/parallel/shared-pairs.ts';
import { SharedSet } from '../../src/explore/parallel/shared-states.ts';

const WIDTH = 5;
const vectors = fc.array(fc.tuple(...Array.from({ length: WIDTH }, () => fc.nat(3))), { minLength: 1, maxLength: 300 });

function twoSets() {
  const control = controlFor(2);
  const memory = { inner: memoryFor(1, PAIR), roots: memoryFor(1, ROOT) };
  control[INNER_NEXT] = 0;
  control[ROOTS_NEXT] = 0;
  control[INNER_LIMIT] = 1 << 20;
  control[ROOTS_LIMIT] = 1 << 20;
  const groups = Array.from({ length: WIDTH }, (_, place) => [place]);
  const sets = [0, 1].map(() => new SharedSet(memory, control, WIDTH, groups)) as [SharedSet, SharedSet];
  return { sets, memory };
}

testProp(
  'a vector is new once, has one root for both, and is read by both as it was; also in greater memory',
  [vectors, fc.array(fc.boolean(), { minLength: 300, maxLength: 300 })],
  (t, all, byWhom) => {
    const { sets, memory } = twoSets();
    const known = new Map<string, number>();
    const read = new Int32Array(WIDTH);
    const checkAll = () => {
      for (const [text, root] of known)
        for (const { visited } of sets) {
          const vector = Int32Array.from(JSON.parse(text) as number[]);
          t.is(visited.idOf(vector), root);
          visited.get(root, read);
          t.deepEqual(read, vector);
        }
    };
    const add = (vector: readonly number[], i: number) => {
      const text = JSON.stringify(vector);
      const met = sets[byWhom[i] ? 0 : 1].visited.add(Int32Array.from(vector));
      t.is(met < 0, !known.has(text));
      t.is(met < 0 ? ~met : met, known.get(text) ?? ~met);
      known.set(text, met < 0 ? ~met : met);
    };
    const half = all.length >> 1;
    for (const [i, vector] of all.slice(0, half).entries()) add(vector, i);
    const greater = { inner: memoryFor(40_000, PAIR, memory.inner.chunks), roots: memoryFor(40_000, ROOT, memory.roots.chunks) };
    for (const [part, set] of sets.entries()) set.move(greater, part, 2);
    checkAll();
    for (const [i, vector] of all.entries()) add(vector, i);
    checkAll();
    t.is(sets[0].roots.size + sets[1].roots.size, known.size);
  },
  { numRuns: 60 },
);

testProp(
  'a state belongs to the least of those that claim it, until it has a number',
  [fc.array(fc.tuple(fc.boolean(), fc.nat(50)), { minLength: 1, maxLength: 20 })],
  (t, claims) => {
    const { sets } = twoSets();
    const root = ~sets[0].visited.add(new Int32Array(WIDTH));
    let least = Infinity;
    for (const [who, parent] of claims) {
      t.is(sets[who ? 0 : 1].roots.claim(root, parent), parent < least);
      least = Math.min(least, parent);
      t.true(sets[0].roots.belongsTo(root, least));
    }
    t.is(sets[1].roots.numberOf(root), -1);
    sets[0].roots.number(root, 7);
    t.is(sets[1].roots.numberOf(root), 7);
    t.false(sets[1].roots.claim(root, 0));
  },
);
