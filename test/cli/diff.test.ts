import test from 'ava';
import { diffSchema } from '../../src/reporters/diff-schema.ts';
import { folderWith, interlock } from './command.ts';

/** A put that frees under whoever opens, and the same with the list lock held over the look-up and the put. */
const pair = `
import { call, defineScenario, variant } from 'interlock';
import { field, type HandleTo, kfree, load, mutex, mutex_lock, mutex_unlock, type Operation, refcount, refcount_dec_and_test, refcount_inc_not_zero, store, struct, globals } from 'interlock/primitives';

const list = globals('list', { lock: mutex(), found: field<boolean>(true) });
const toy = struct('toy', { users: refcount(1) });
type List = HandleTo<typeof list>;
type Toy = HandleTo<typeof toy>;

const toy_open = (locked: boolean) =>
  function* toy_open({ lock, found }: List, toy: Toy): Operation<number> {
    if (locked) yield* mutex_lock(lock);
    const got = (yield* load(found)) && (yield* refcount_inc_not_zero(toy.users));
    if (locked) yield* mutex_unlock(lock);
    return got ? 0 : -19;
  };
const toy_remove = (locked: boolean) =>
  function* toy_remove({ lock, found }: List, toy: Toy): Operation {
    if (locked) yield* mutex_lock(lock);
    yield* store(found, false);
    if (locked) yield* mutex_unlock(lock);
    if (yield* refcount_dec_and_test(toy.users)) yield* kfree(toy);
  };
const design = (locked: boolean) =>
  variant({
    objects: { list, toy },
    threads: ({ list, toy }) => ({ user: [call(toy_open(locked), list, toy)], remover: [call(toy_remove(locked), list, toy)] }),
    expect: locked ? [] : [{ kind: 'use-after-free', object: 'toy' }],
  });
export default defineScenario({
  name: 'pair', summary: '', source: '', covers: [], tags: [],
  variants: { bare: design(false), locked: design(true) },
});
`;

test('a race and its fix are compared by the path of a file, and that the first has findings is no failure', async (t) => {
  const folder = folderWith(t, { 'pair.ts': pair });
  const { code, out, err } = await interlock(folder, ['diff', 'pair.ts', 'bare', 'locked']);
  t.is(err, '');
  t.is(code, 0);
  const text = out.replaceAll(/\s+/g, ' ');
  t.true(text.includes('locked is without the finding of bare, and has no other.'));
  t.true(text.includes('where locked has remover wait before mutex_lock(&list.lock) in toy_remove(): user holds it'));
});

test('--json prints a document of the schema', async (t) => {
  const folder = folderWith(t, { 'pair.ts': pair });
  const { code, out } = await interlock(folder, ['diff', 'pair.ts', 'bare', 'locked', '--json']);
  t.is(code, 0);
  const { findings, outcomes } = diffSchema.parse(JSON.parse(out));
  t.deepEqual(
    findings.only.map((only) => only.map(({ kind, object }) => `${kind} ${object}`)),
    [['use-after-free toy'], []],
  );
  t.deepEqual(outcomes?.counts, { a: 2, b: 2, both: 2 });
});

test('it exits 2 with what is near where a design is none', async (t) => {
  const folder = folderWith(t, { 'pair.ts': pair });
  const { code, err } = await interlock(folder, ['diff', 'pair.ts', 'bare', 'loked']);
  t.is(code, 2);
  t.true(err.includes('did you mean "locked"?'));
});

test('it exits 3 where a search was cut with nothing unexpected', async (t) => {
  const folder = folderWith(t, { 'pair.ts': pair });
  const { code, out } = await interlock(folder, ['diff', 'pair.ts', 'bare', 'locked', '--max-states', '5']);
  t.is(code, 3);
  t.true(out.includes('was cut'));
});

test('a design is not compared with itself', async (t) => {
  const folder = folderWith(t, { 'pair.ts': pair });
  const { code, out, err } = await interlock(folder, ['diff', 'pair.ts', 'bare', 'bare']);
  t.is(code, 2);
  t.is(out, '');
  t.is(err, 'interlock: "bare" is compared with itself\nNext: there are also: locked\n');
});
