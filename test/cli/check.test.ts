import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { checkSchema } from '../../src/reporters/schemas.ts';
import { folderWith, interlock } from './command.ts';
import { big, oneCall, toy } from './toys.ts';

test('a subsystem that has nothing to do with VFIO is checked by the path of its file', async (t) => {
  const folder = folderWith(t, { 'toys/toy.ts': toy() });
  const { code, out, err } = await interlock(folder, ['check', 'toys/toy.ts']);
  t.is(code, 0);
  t.is(err, '');
  t.true(out.includes('toy/bare: as expected'));
  t.true(out.includes('BUG: KASAN: slab-use-after-free in toy_open (modelled)'));
});

test('the replay command that a report gives plays that finding again', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { out } = await interlock(folder, ['check', 'toy.ts']);
  const [, command = ''] = /^Replay: npx interlock (.*)$/m.exec(out) ?? [];
  const replayed = await interlock(folder, command.split(' '));
  t.is(replayed.code, 0);
  t.true(replayed.out.includes('it is used after it was freed in toy_open()'));
});

test('it exits 1 where a finding is not expected, and where one that is expected is missing', async (t) => {
  const folder = folderWith(t, { 'unexpected.ts': toy(''), 'missing.ts': toy("{ kind: 'leak', object: 'toy' }", 'missing') });
  const unexpected = await interlock(folder, ['check', 'unexpected.ts']);
  t.is(unexpected.code, 1);
  t.true(unexpected.out.includes('toy/bare: UNEXPECTED'));
  const missing = await interlock(folder, ['check', 'missing.ts']);
  t.is(missing.code, 1);
  t.true(missing.out.includes('Expected and not found: leak at toy.'));
});

test('it exits 3 where a bound cut the search, and claims nothing beyond it', async (t) => {
  const folder = folderWith(t, { 'big.ts': big });
  const { code, out } = await interlock(folder, ['check', 'big.ts', '--variant', 'first', '--max-states', '1000']);
  t.is(code, 3);
  t.true(out.includes('No finding, but cut at 1,000 states'));
  t.false(out.includes('Exhaustive'));
});

test('a faulty scenario does not stop the others from being checked, and counts for more than a finding', async (t) => {
  const folder = folderWith(t, { 'a.ts': 'throw new Error("no luck")', 'toy.ts': toy('') });
  const { code, out, err } = await interlock(folder, ['check', 'a.ts', 'toy.ts']);
  t.is(code, 2);
  t.true(err.includes('a.ts:1: loading it fails: no luck'));
  t.true(out.includes('toy/bare: UNEXPECTED'));
});

test('a scenario that is at fault while it is checked is named with its file, what is wrong and what to do', async (t) => {
  const predicate = (body: string) =>
    `variant({ objects: { toy }, threads: ({ toy }) => ({ task: [call(get, toy)] }), always: { holds: ${body} }, expect: [] })`;
  const variants = {
    throws: predicate("() => { throw new Error('no luck'); }"),
    typo: predicate('({ toy }: any) => toy.usres.n > 0'),
    'throws-in-c': 'variant({ objects: { toy }, threads: ({ toy }) => ({ task: [call(broken, toy)] }), expect: [] })',
    'pool-is-empty': 'variant({ objects: { toy: pool(toy) }, threads: ({ toy }) => ({ task: [call(twice, toy)] }), expect: [] })',
    range: 'variant({ objects: { toy }, threads: ({ toy }) => ({ task: [call(many, toy)] }), expect: [] })',
    invoke: "machine({ invoke: { src: 'x' } })",
    after: "machine({ initial: 'a', states: { a: { after: { 10: 'b' } }, b: {} } })",
    'not-json': 'machine({ on: { poke: { actions: [assign({ n: () => new Map() } as never), done] } } })',
    changing: 'machine({ on: { poke: { actions: [assign({ n: () => asked++ } as never), done] } } })',
  };
  const before = `
let asked = 0;
function* broken(toy: Toy): Operation { yield* refcount_inc(toy.users); throw new Error('no luck'); }
function* twice(toy: Toy): Operation { yield* kzalloc(toy); yield* kzalloc(toy); }
function* many(toy: Toy): Operation { for (let i = 0; i < 100; i++) yield* refcount_inc(toy.users); }`;
  const folder = folderWith(t, { 'faulty.ts': oneCall('faulty', variants, before) });
  const { code, err, out } = await interlock(folder, ['check', 'faulty.ts']);
  t.is(code, 2);
  const said = (variant: string) =>
    err.split('\n').find((line) => line.startsWith(`interlock: faulty/${variant} (faulty.ts): `)) ?? '';
  t.true(said('throws').includes('"holds" throws: no luck'));
  t.true(said('typo').includes('reads "usres"'));
  t.regex(said('throws-in-c'), /broken\(\) throws: no luck \(faulty\.ts:\d+\)/);
  t.true(said('pool-is-empty').includes('allocates from "toy" for the 2nd time'));
  t.true(said('range').includes('leaves its declared range'));
  t.true(said('invoke').includes('invokes another actor'));
  t.true(said('after').includes('keeps time (after)'));
  t.true(said('not-json').includes('a context that JSON cannot hold'));
  t.true(said('changing').includes('answers "poke" differently when asked twice'));
  t.is(err.match(/^Next: /gm)?.length, Object.keys(variants).length);
  t.notRegex(err, /^ {4}at /m);
  t.true(out.includes('9 variants of 1 scenario: 9 FAULTY.'));
});

test('a target state that does not exist is named when the file is loaded', async (t) => {
  const folder = folderWith(t, {
    'target.ts': oneCall('target', { it: "machine({ initial: 'a', states: { a: { on: { poke: 'nowhere' } } } })" }),
  });
  const { code, err } = await interlock(folder, ['check', 'target.ts']);
  t.is(code, 2);
  t.regex(err, /^interlock: target\.ts:\d+: loading it fails: /);
  t.true(err.includes('nowhere'));
  t.notRegex(err, /^ {4}at /m);
});

test('with --json it prints one document of its schema, with the schedules, and writes no file', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy(), 'b.ts': 'throw 1' });
  const { code, out, err } = await interlock(folder, ['check', 'toy.ts', 'b.ts', '--json']);
  t.is(code, 2);
  t.true(err.includes('b.ts'));
  const { results } = checkSchema.parse(JSON.parse(out));
  t.is(results.length, 1);
  t.true(results[0]?.findings[0]?.schedule?.startsWith('interlock/1 toy/bare use-after-free-'));
  t.false(existsSync(join(folder, 'schedules')));
});

test('schedules are written whole, to the folder that is asked for, under a name that says whose they are', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { out } = await interlock(folder, ['check', 'toy.ts', '--schedules', 'some/where']);
  const [file = ''] = readdirSync(join(folder, 'some/where'));
  t.regex(file, /^toy\.bare\.use-after-free-[0-9a-f]{8}\.schedule$/);
  t.true(out.includes(`npx interlock replay some/where/${file} --scenario toy.ts`));
  t.true(readFileSync(join(folder, 'some/where', file), 'utf8').startsWith('interlock/1 toy/bare '));
});

test('a folder into which nothing can be written is refused before the search, and nothing is left behind', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy(), schedules: 'a file' });
  const { code, out, err } = await interlock(folder, ['check', 'toy.ts']);
  t.is(code, 2);
  t.is(out, '');
  t.true(err.startsWith('interlock: No schedule can be written to "schedules": '));
  t.true(err.includes('Next: '));
  t.deepEqual(readdirSync(folder).toSorted(), ['schedules', 'toy.ts']);
});

test('several scenarios get a line each and a sum; -v draws them all, -q none', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy(), 'other.ts': toy(undefined, 'other') });
  const usual = await interlock(folder, ['check', 'toy.ts', 'other.ts']);
  t.true(usual.out.includes('2 variants of 2 scenarios: 2 as expected.'));
  t.true(usual.out.includes('expected: use-after-free: toy: it is used'));
  t.false(usual.out.includes('CPU0'));
  const verbose = await interlock(folder, ['check', 'toy.ts', 'other.ts', '-v']);
  t.is(verbose.out.match(/CPU0 \(user\)/g)?.length, 2);
  t.regex(verbose.out, /refcount_inc_not_zero\(&toy->users\)\n +toy\.ts:9\n/);
  const quiet = await interlock(folder, ['check', 'toy.ts', 'other.ts', '-q']);
  t.is(quiet.out.trim().split('\n').length, 6);
});

test('neither colours nor a progress line reach what is no terminal', async (t) => {
  const folder = folderWith(t, { 'big.ts': big });
  const { out, err } = await interlock(folder, ['check', 'big.ts', '--variant', 'first', '--max-states', '200000']);
  t.regex(err, /^Saved in \.interlock\/big@first\.checkpoint; go on from there with: interlock check big\.ts .* --resume\n$/);
  t.false(out.includes('\u001b'));
});

/** Once the stream says something, the first search has begun or is over, and Ctrl-C is heard. */
const ctrlC = async (child: ChildProcess, said: Readable | null): Promise<void> => {
  if (said !== null) await once(said, 'data');
  await setTimeout(500);
  child.kill('SIGINT');
};

test('Ctrl-C ends the search with what it has seen so far, and names what was not started', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy(), 'big.ts': big });
  const { code, out, err } = await interlock(folder, ['check', 'toy.ts', 'big.ts', '--max-states', '500000000'], {
    meanwhile: (child) => ctrlC(child, child.stdout),
  });
  t.is(code, 3, out + err);
  t.regex(out, /No finding in [\d,]+ states, but cut: interrupted/);
  t.true(err.includes('Not started: big/second'));
});

test('Ctrl-C leaves a document that is whole', async (t) => {
  const folder = folderWith(t, { 'a.ts': 'throw 1', 'big.ts': big });
  const { out } = await interlock(folder, ['check', 'a.ts', 'big.ts', '--json', '--max-states', '500000000'], {
    meanwhile: (child) => ctrlC(child, child.stderr),
  });
  const { results } = checkSchema.parse(JSON.parse(out));
  t.deepEqual(
    results.map(({ outcome, cut, exhaustive }) => ({ outcome, cut, exhaustive })),
    [{ outcome: 'cut', cut: 'interrupted', exhaustive: false }],
  );
});

test('a reader that has seen enough is no error', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { err } = await interlock(folder, ['check', 'toy.ts', '-v'], {
    meanwhile: (child) => Promise.resolve(void child.stdout?.destroy()),
  });
  t.is(err, '');
});

test('a file that is changed is checked as it is now', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy('') });
  t.is((await interlock(folder, ['check', 'toy.ts', '-q'])).code, 1);
  writeFileSync(join(folder, 'toy.ts'), toy());
  t.is((await interlock(folder, ['check', 'toy.ts', '-q'])).code, 0);
});
