/** When a checkpoint is saved, and what of it is left. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Saver } from '../../src/cli/checkpoints.ts';
import { origin, philosophers, run } from '../explore/checkpoint-searches.ts';

const root = mkdtempSync(join(tmpdir(), 'interlock-checkpoints-'));
test.after.always(() => rmSync(root, { recursive: true }));
let folders = 0;

/** A saver with a clock that stands still, and checkpoints that take their time and write nothing. */
function saverWith(took: number) {
  const clock = { seconds: 0 };
  const saves: number[] = [];
  const warned: string[] = [];
  const folder = join(root, `${folders++}`);
  const saver = new Saver({ folder, origin, warn: (lines) => warned.push(...lines), now: () => clock.seconds * 1000 });
  const checkpoint = {
    save: (file: string) => {
      saves.push(clock.seconds);
      clock.seconds += took;
      writeFileSync(file, '');
    },
  };
  return { clock, saves, warned, folder, saver, checkpoint };
}

test('a search is saved each minute from its first one on, and a short one not at all', (t) => {
  const { clock, saves, saver, checkpoint } = saverWith(0);
  for (; clock.seconds < 200; clock.seconds++) saver.turn({ checkpoint });
  t.deepEqual(saves, [60, 120, 180]);
});

test('where saving takes long it is done so seldom that it is a twentieth of the time', (t) => {
  const { clock, saves, saver, checkpoint } = saverWith(9);
  for (; clock.seconds < 500; clock.seconds++) saver.turn({ checkpoint });
  // 60, then 9 seconds later plus 20 times 9.
  t.deepEqual(saves, [60, 249, 438]);
});

test('a search that is stopped is saved however short it was; when the verdict is out nothing is left but the folder', (t) => {
  const { saves, folder, saver, checkpoint } = saverWith(0);
  t.false(saver.stopped(null));
  t.false(existsSync(folder));
  t.true(saver.stopped(checkpoint));
  t.deepEqual(saves, [0]);
  t.true(existsSync(saver.file));
  t.is(readFileSync(join(folder, '.gitignore'), 'utf8'), '*\n');
  saver.discard();
  t.false(existsSync(saver.file));
  t.notThrows(() => saver.discard());
});

test('a search that cannot be resumed is not saved', (t) => {
  const { clock, saver, folder } = saverWith(0);
  clock.seconds = 100;
  saver.turn({});
  t.false(existsSync(folder));
});

test('where nothing can be written the search goes on, and that is said once', (t) => {
  const warned: string[] = [];
  const file = join(root, 'file');
  writeFileSync(file, '');
  const saver = new Saver({ folder: file, origin, warn: (lines) => warned.push(...lines) });
  const { checkpoint } = run('plain', philosophers(5), 1000);
  t.false(saver.stopped(checkpoint));
  t.false(saver.stopped(checkpoint));
  t.is(warned.length, 2);
  t.regex(warned[0] ?? '', /^interlock: no checkpoint can be written to ".*file\/test@it\.checkpoint": ENOTDIR/);
});

test('what was saved is there to go on from, for the same variant and the same version', (t) => {
  const folder = join(root, 'kept');
  const saverOf = (other: Partial<typeof origin>) => new Saver({ folder, origin: { ...origin, ...other }, warn: () => {} });
  t.is(saverOf({}).resumption(), null);
  t.true(saverOf({}).stopped(run('plain', philosophers(5), 1000).checkpoint));
  t.is(saverOf({}).resumption()?.states, 1001);
  t.is(saverOf({ variant: 'other' }).resumption(), null);
  t.throws(() => saverOf({ version: '2' }).resumption(), { message: /is a checkpoint of Interlock 1, and this is 2$/ });
});

test('no two variants have one file', (t) => {
  const fileOf = (scenario: string, variant: string) =>
    new Saver({ folder: '', origin: { ...origin, scenario, variant }, warn: () => {} }).file;
  t.is(fileOf('opened-reset', 'v6.5-group'), 'opened-reset@v6.5-group.checkpoint');
  t.is(new Set([fileOf('a/b', 'c'), fileOf('a-b', 'c'), fileOf('a', 'b@c'), fileOf('a@b', 'c')]).size, 4);
});
