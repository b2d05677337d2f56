import test from 'ava';
import { codeIn, placeAt } from '../../src/coverage/code.ts';

const text = `
/* function* commented() { return -ENOENT; } */
export function* chardev_open(dev, busy) { // -EPERM
  if (busy) {
    return -EBUSY;
  }
  const ret = yield* probe(dev);
  if (ret === -EEXIST) return 0;
  return ret ? -ENODEV : 0;
}
function* removeIt(n) {
  if (n > -1) return n - 1;
  return n === -7 ? 0 : -19;
}
`;
const at = (what: string): number => text.indexOf(what);
/** A block from the first word to the end of the second. */
const block = (from: string, to: string, count: number) => ({
  startOffset: at(from),
  endOffset: text.indexOf(to, at(from)) + to.length,
  count,
});

test('kernel functions and the errnos that they give are found, and comments and comparisons are neither', (t) => {
  const { functions, errnos } = codeIn(text, []);
  t.deepEqual(
    functions.map(({ name, run }) => ({ name, run })),
    [{ name: 'chardev_open', run: false }],
  );
  t.deepEqual(
    errnos.map(({ errno, function: name }) => `${errno} ${name}`),
    ['-EBUSY chardev_open', '-ENODEV chardev_open', '-ENODEV removeIt'],
  );
});

test('an errno was given if the innermost block around it was run', (t) => {
  const { functions, errnos } = codeIn(text, [
    { startOffset: at('function* chardev_open'), endOffset: at('function* removeIt'), count: 3 },
    block('{\n    return -EBUSY', '}', 0),
  ]);
  t.deepEqual(
    functions.map(({ run }) => run),
    [true],
  );
  t.deepEqual(
    errnos.map(({ run }) => run),
    [false, true, false],
  );
});

test('lines and columns begin with one', (t) => {
  t.deepEqual(placeAt('ab\ncd', 0), { line: 1, column: 1 });
  t.deepEqual(placeAt('ab\ncd', 4), { line: 2, column: 2 });
});
