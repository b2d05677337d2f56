import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { replaySchema } from '../../src/reporters/schemas.ts';
import { folderWith, interlock } from './command.ts';
import { toy } from './toys.ts';

/** A folder with the toy, and the schedule that checking it gave. */
async function checkedToy(
  t: ExecutionContext,
): Promise<{ readonly folder: string; readonly file: string; readonly schedule: string }> {
  const folder = folderWith(t, { 'toy.ts': toy() });
  await interlock(folder, ['check', 'toy.ts', '-q']);
  const [name = ''] = readdirSync(join(folder, 'schedules'));
  const file = join('schedules', name);
  return { folder, file, schedule: readFileSync(join(folder, file), 'utf8') };
}

const ofToy = ['--scenario', 'toy.ts'];

test('a schedule is played from a file, from stdin, from the command line, quoted from a mail, and from the environment', async (t) => {
  const { folder, file, schedule } = await checkedToy(t);
  const mail = schedule.trim().replaceAll(/^/gm, '> ');
  const runs = await Promise.all([
    interlock(folder, ['replay', file, ...ofToy]),
    interlock(folder, ['replay', '-', ...ofToy], { input: schedule }),
    interlock(folder, ['replay', schedule, ...ofToy]),
    interlock(folder, ['replay', mail, ...ofToy]),
    interlock(folder, ['replay', ...schedule.trim().split(/\s+/), ...ofToy]),
    interlock(folder, ['replay', ...ofToy], { env: { INTERLOCK_SCHEDULE: schedule } }),
  ]);
  for (const { code, out, err } of runs) {
    t.is(code, 0, err);
    t.regex(out, /^toy\/bare: 3 steps played on the live actors: use-after-free-[0-9a-f]{8}\.$/m);
  }
  t.is(new Set(runs.map(({ out }) => out)).size, 1);
});

test('as JSON it is one document of its schema, with every step and what it raised', async (t) => {
  const { folder, file, schedule } = await checkedToy(t);
  const { code, out } = await interlock(folder, ['replay', file, ...ofToy, '--json']);
  t.is(code, 0);
  const document = replaySchema.parse(JSON.parse(out));
  t.is(document.finding?.id, /use-after-free-[0-9a-f]{8}/.exec(schedule)?.[0]);
  t.is(document.diverged, null);
  t.deepEqual(
    document.trace.map(({ thread, operation, event, splats }) => [thread, operation, event, splats.map(({ kind }) => kind)]),
    [
      ['remover', 'toy_put', 'refcount_dec_and_test', []],
      ['remover', 'toy_put', 'kfree', []],
      ['user', 'toy_open', 'refcount_inc_not_zero', ['use-after-free']],
    ],
  );
});

test('a schedule of an older model names the first step that no longer fits', async (t) => {
  const { folder } = await checkedToy(t);
  const old = 'interlock/1 toy/bare remover 2 kfree(toy) user 2 mutex_lock(toy.lock)';
  const { code, err } = await interlock(folder, ['replay', old, ...ofToy]);
  t.is(code, 2);
  t.regex(
    err,
    /The schedule does not fit any more: step 4\n {2}expected: user: mutex_lock\(toy\.lock\)\n {2}found: {4}no thread can move\nNext: /,
  );
  const json = await interlock(folder, ['replay', old, ...ofToy, '--json']);
  t.is(json.code, 2);
  t.is(replaySchema.parse(JSON.parse(json.out)).diverged?.step, 4);
});

test('a thread that is no more is named, with those that there are', async (t) => {
  const { folder } = await checkedToy(t);
  const { code, err } = await interlock(folder, ['replay', 'interlock/1 toy/bare nobody 1 kfree(toy)', ...ofToy]);
  t.is(code, 2);
  t.true(err.includes('no thread "nobody"; there are user, remover'));
});

test('a schedule that fits and leads to its finding no more says what it leads to', async (t) => {
  const { folder, schedule } = await checkedToy(t);
  const { code, err } = await interlock(folder, ['replay', schedule.replace(/-[0-9a-f]{8}/, '-00000000'), ...ofToy]);
  t.is(code, 1);
  t.regex(err, /"use-after-free-00000000" is not raised any more; use-after-free-[0-9a-f]{8} is/);
});

test('a schedule that leaves out what matters is no finding of the design, and says so', async (t) => {
  const source = toy().replace('remover: [call(toy_put, toy)]', 'remover: [call(toy_open, toy), call(toy_put, toy)]');
  const folder = folderWith(t, { 'toy.ts': source });
  const trick = 'interlock/1 toy/bare without: remover.1 remover 2 kfree(toy) user 1 refcount_inc_not_zero(toy.users)';
  const { code, out, err } = await interlock(folder, ['replay', trick, ...ofToy]);
  t.is(code, 1);
  t.regex(out, /without the 1st call of\s+remover/);
  t.false(out.includes('Not needed'));
  t.regex(err, /With the calls that the schedule leaves out, no run was found that comes to this in the same way\nNext: /);
  const unknown = await interlock(folder, ['replay', trick.replace('remover.1', 'remover.7'), ...ofToy]);
  t.is(unknown.code, 2);
  t.true(unknown.err.includes('There is no "remover.7" to leave out'));
});

test('a schedule that names no finding and leads to none exits 0, and shows its steps', async (t) => {
  const { folder } = await checkedToy(t);
  const { code, out } = await interlock(folder, [
    'replay',
    'interlock/1 toy/bare user 1 refcount_inc_not_zero(toy.users)',
    ...ofToy,
  ]);
  t.is(code, 0);
  t.true(out.includes('refcount_inc_not_zero(&toy->users) == true  users 1 -> 2'));
});

test('an unknown scenario or variant is answered with what is near', async (t) => {
  const { folder } = await checkedToy(t);
  const next = async (design: string, ...words: string[]) => {
    const { code, err } = await interlock(folder, ['replay', `interlock/1 ${design} user 1 kfree(toy)`, ...words]);
    t.is(code, 2);
    return err;
  };
  t.is(await next('toi/bare', ...ofToy), 'interlock: There is no scenario "toi" in toy.ts\nNext: did you mean "toy"?\n');
  t.is(
    await next('toy/bear', ...ofToy),
    'interlock: There is no variant "bear" of the scenario "toy"\nNext: did you mean "bare"?\n',
  );
  t.true((await next('nothing-like-it/x')).includes('--scenario FILE'));
});

test('what is no schedule, or one of another format, is refused', async (t) => {
  const folder = folderWith(t, { 'not.schedule': 'hello', 'next.schedule': 'interlock/2 toy/bare user 1 kfree(toy)' });
  const refusal = async (...words: string[]) => {
    const { code, err } = await interlock(folder, ['replay', ...words]);
    t.is(code, 2);
    t.true(err.includes('\nNext: '));
    return err;
  };
  t.true((await refusal('not.schedule')).startsWith('interlock: not.schedule: This is not a schedule'));
  t.true((await refusal('next.schedule')).includes('format interlock/2'));
  t.true((await refusal('missing.schedule')).includes('there is no such file'));
  t.true((await refusal('interlock/1 toy/bare user 1 f(x) user two g(x)')).includes('cannot be read at "user two g(x)"'));
  t.true((await refusal()).includes('No schedule is given'));
});
