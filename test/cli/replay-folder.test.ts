/** Schedules that outlive the model they were written for: played as far as they can be, and a folder of them at once. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { replaySchema, replaysSchema } from '../../src/reporters/schemas.ts';
import { folderWith, interlock } from './command.ts';
import { toy } from './toys.ts';

const ofToy = ['--scenario', 'toy.ts'];
const later = toy()
  .replace('{\n  if (yield*', '{\n  yield* refcount_read(toy.users);\n  if (yield*')
  .replace(', refcount,', ', refcount, refcount_read,');

/** A folder with the toy, and the schedule that checking it gave, in `kept/`. */
async function kept(t: ExecutionContext): Promise<{ readonly folder: string; readonly file: string }> {
  const folder = folderWith(t, { 'toy.ts': toy() });
  await interlock(folder, ['check', 'toy.ts', '-q', '--schedules', 'kept']);
  const [name = ''] = readdirSync(join(folder, 'kept'));
  return { folder, file: join('kept', name) };
}

test('where a step was added the schedule does not fit, and by best effort it is played nevertheless', async (t) => {
  const { folder, file } = await kept(t);
  writeFileSync(join(folder, 'toy.ts'), later);
  const strict = await interlock(folder, ['replay', file, ...ofToy]);
  t.is(strict.code, 2);
  t.true(strict.err.includes('try --best-effort'));
  const { code, out, err } = await interlock(folder, ['replay', file, '--best-effort', ...ofToy]);
  t.is(code, 0, err);
  t.regex(
    err,
    /^interlock: The schedule does not fit any more: step 2\n {2}expected: remover: kfree\(toy\)\n {2}found: {4}\S.*\n$/,
  );
  t.regex(
    out,
    /^toy\/bare: 4 steps played on the live actors: use-after-free-\w+\.\nAs far as it can be played: 1 of 2 runs is as written\.\n {2}run 1, remover 2 kfree\(toy\): 3 steps, 1 more\n\ntoy: it is used/,
  );
  const json = await interlock(folder, ['replay', file, '--best-effort', '--json', ...ofToy]);
  const document = replaySchema.parse(JSON.parse(json.out));
  t.is(document.diverged?.step, 2);
  t.deepEqual(
    document.bestEffort?.runs.map(({ steps, taken }) => [steps, taken]),
    [
      [2, 3],
      [1, 1],
    ],
  );
});

test('where the finding is gone it says so, and exits 1', async (t) => {
  const { folder, file } = await kept(t);
  writeFileSync(join(folder, 'toy.ts'), toy().replace('yield* kfree(toy);', 'return;'));
  const { code, out, err } = await interlock(folder, ['replay', file, '--best-effort', ...ofToy]);
  t.is(code, 1);
  t.regex(
    out,
    /run 1, remover 2 kfree\(toy\): left out, alone it does not come to that\s+step from refcount_dec_and_test\(toy\.users\)/,
  );
  t.regex(err, /As far as it can be played, "use-after-free-\w+" is not raised any more; nothing is\nNext: interlock check toy/);
});

test('a folder is played whole, with a line for each schedule and a summary', async (t) => {
  const { folder, file } = await kept(t);
  mkdirSync(join(folder, 'kept/old'));
  const schedule = readFileSync(join(folder, file), 'utf8');
  renameSync(join(folder, file), join(folder, 'kept/a.schedule'));
  const put = (name: string, text: string) => writeFileSync(join(folder, 'kept', name), text);
  const clean = await interlock(folder, ['replay', 'kept', ...ofToy]);
  t.is(clean.code, 0);
  t.is(clean.out, 'raised: kept/a.schedule\n\n1 schedule: 1 raised.\n');
  put('b.schedule', schedule.replace(/-[0-9a-f]{8}/, '-00000000'));
  put('c.schedule', schedule.replace('remover 2', 'remover 3'));
  put('notes.txt', 'not one of them');
  put('old/d.schedule', schedule.replace('interlock/1', 'interlock/2'));
  put('old/e.schedule', 'interlock/1 toy/bare user 1 refcount_inc_not_zero(toy.users)');
  const { code, out, err } = await interlock(folder, ['replay', 'kept', ...ofToy]);
  t.is(code, 2, err);
  t.regex(
    out,
    new RegExp(
      [
        '^raised: kept/a\\.schedule',
        'GONE: kept/b\\.schedule',
        '  use-after-free-00000000 is not raised any more; use-after-free-\\w{8}\\s+is',
        'DOES NOT FIT: kept/c\\.schedule',
        '  step 3: expected remover: kfree\\(toy\\); found remover cannot move',
        'REFUSED: kept/old/d\\.schedule',
        '  This is a schedule of format interlock/2; this version reads interlock/1\\.',
        '  +Next: check the scenario again',
        'as expected: kept/old/e\\.schedule',
        '',
        '5 schedules: 1 raised, 1 as expected, 1 GONE, 1 DOES NOT FIT, 1 REFUSED\\.\n$',
      ].join('\n'),
    ),
  );
  const effort = await interlock(folder, ['replay', 'kept', '--best-effort', ...ofToy]);
  t.true(effort.out.includes('raised: kept/c.schedule\n  step 3: '));
});

test('as JSON a folder is one document, and the exit code is that of the worst', async (t) => {
  const { folder } = await kept(t);
  writeFileSync(join(folder, 'kept/z.schedule'), 'hello');
  const { code, out } = await interlock(folder, ['replay', 'kept', '--json', ...ofToy]);
  t.is(code, 2);
  const { results } = replaysSchema.parse(JSON.parse(out));
  t.deepEqual(
    results.map(({ outcome, scenario, raised, message }) => [outcome, scenario, raised.length, message === null]),
    [
      ['raised', 'toy', 1, true],
      ['refused', null, 0, false],
    ],
  );
});

test('the environment may name a file or a folder; a folder without schedules is refused', async (t) => {
  const { folder, file } = await kept(t);
  for (const INTERLOCK_SCHEDULE of [file, 'kept']) {
    const { code, out } = await interlock(folder, ['replay', ...ofToy], { env: { INTERLOCK_SCHEDULE } });
    t.is(code, 0);
    t.regex(out, INTERLOCK_SCHEDULE === 'kept' ? /1 schedule: 1 raised/ : /3 steps played/);
  }
  mkdirSync(join(folder, 'empty'));
  const { code, err } = await interlock(folder, ['replay', 'empty', ...ofToy]);
  t.is(code, 2);
  t.true(err.startsWith('interlock: There is no schedule in "empty"\nNext: '));
});
