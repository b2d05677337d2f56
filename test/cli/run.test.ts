import test from 'ava';
import { folderWith, interlock } from './command.ts';
import { oneCall, toy } from './toys.ts';

test('a run shows each step as it comes, where each thread stands, and a schedule that plays it again', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out } = await interlock(folder, ['run', 'toy.ts', '--strategy', 'round-robin']);
  t.is(code, 0);
  t.true(out.startsWith('toy/bare, round robin\n'));
  t.regex(out, /^ {2}1 {2}user {5}toy_open\(\):\n {16}refcount_inc_not_zero\(&toy->users\) == true {2}users 1 -> 2$/m);
  t.true(out.includes('Where each thread stands:\n  user     has ended'));
  const schedule = out.slice(out.indexOf('interlock/1'));
  const replayed = await interlock(folder, ['replay', schedule, '--scenario', 'toy.ts']);
  t.is(replayed.code, 0);
});

test('the same seed gives the same run, and some seed another one', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const runs = await Promise.all(
    ['1', '1', '2', '3', '4', '5'].map((seed) => interlock(folder, ['run', 'toy.ts', '--seed', seed])),
  );
  const steps = runs.map(({ out }) => out.slice(out.indexOf('\n')));
  t.is(steps[0], steps[1]);
  t.true(new Set(steps).size > 1);
});

test('a finding that the scenario does not expect exits 1, and is named as check names it', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy('') });
  const runs = await Promise.all(
    ['1', '2', '3', '4', '5', '6', '7', '8'].map((seed) => interlock(folder, ['run', 'toy.ts', '--seed', seed])),
  );
  const found = runs.filter(({ out }) => out.includes('use-after-free'));
  t.true(found.length > 0);
  for (const { code, out } of found) {
    t.is(code, 1);
    t.regex(out, /After \d steps: use-after-free: toy: it is used after it was freed/);
  }
});

test('a run that goes on for ever is ended, and says so', async (t) => {
  const forever =
    'variant({ objects: { toy }, threads: ({ toy }) => ({ task: { calls: [call(reads, toy)], kind: "task", forever: true, cpu: null } }), expect: [] })';
  const before = 'function* reads(toy: Toy): Operation { yield* access<any, any>("read", "refcount_read")(toy.users as never); }';
  const folder = folderWith(t, { 'forever.ts': oneCall('forever', { it: forever }, before) });
  const { out } = await interlock(folder, ['run', 'forever.ts', '--max-steps', '7']);
  t.true(out.includes('7 steps; stopped there: the run goes on (--max-steps).'), out);
});

test('by hand somebody has to be there', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, err } = await interlock(folder, ['run', 'toy.ts', '--strategy', 'by-hand']);
  t.is(code, 2);
  t.is(err, 'interlock: By hand, somebody has to be asked, and this is no terminal\nNext: --strategy random --seed N\n');
});

test('of several variants one has to be named', async (t) => {
  const two = 'variant({ objects: { toy }, threads: ({ toy }) => ({ task: [call(get, toy)] }), expect: [] })';
  const folder = folderWith(t, { 'two.ts': oneCall('two', { a: two, b: two }) });
  const { code, err } = await interlock(folder, ['run', 'two.ts']);
  t.is(code, 2);
  t.true(err.includes('Next: --variant a, --variant b'));
  t.is((await interlock(folder, ['run', 'two.ts', '--variant', 'b'])).code, 0);
});
