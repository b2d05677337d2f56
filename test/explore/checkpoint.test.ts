/** A search that is interrupted, written down and gone on with is the search that was never interrupted. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import refcountReadSet from '../../scenarios/register-rfc/refcount-read-set.ts';
import reopenStarvation from '../../scenarios/register-rfc/reopen-starvation.ts';
import { Resumption } from '../../src/explore/checkpoint.ts';
import { InternalError, type Progress, type Scenario, type Variant } from '../../src/index.ts';
import {
  accountOf,
  designOf,
  designs,
  endsOrWaits,
  type Kind,
  origin,
  philosophers,
  run,
  searchAndSave,
} from './checkpoint-searches.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-checkpoint-'));
test.after.always(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${files++}.checkpoint`);
const resumed = (file: string | null): Resumption | null => (file === null ? null : new Resumption(file));

for (const kind of ['plain', 'reduced'] as const)
  testProp(
    `a ${kind} search that is interrupted up to three times meets the same states in the same order, and finds the same`,
    [designs, fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999))],
    (t, generated, shares) => {
      const design = designOf(generated);
      const whole = run(kind, design);
      fc.pre(whole.states > 1);
      let file: string | null = null;
      for (const share of shares.toSorted((a, b) => a - b)) {
        const part = run(kind, design, 1 + Math.trunc((share * (whole.states - 1)) / 1000), resumed(file));
        t.is(part.checkpoint === null, part.cut === null);
        if (part.checkpoint === null) break;
        part.checkpoint.save((file = newFile()), origin);
      }
      t.deepEqual(accountOf(kind, run(kind, design, 50_000, resumed(file))), accountOf(kind, whole));
    },
    { numRuns: Number(process.env['CHECKPOINT_RUNS'] ?? 25) },
  );

const shipped = (scenario: Scenario, variant: string): Variant => scenario.variants[variant] as Variant;

for (const [kind, name, design, looks] of [
  ['plain', '7 philosophers', philosophers(7), [1, 3, 1]],
  ['plain', 'reopen-starvation/v6.5-group', shipped(reopenStarvation, 'v6.5-group'), [1]],
  ['reduced', 'refcount-read-set/rfc', shipped(refcountReadSet, 'rfc'), [1, 1]],
] as const)
  test(`${name}, ${kind}: stopped where it looks up, again and again, it comes to the same end`, (t) => {
    const whole = run(kind, design);
    let file: string | null = null;
    for (const most of looks) {
      const part = run(kind, design, 50_000, resumed(file), most);
      t.is(part.cut, 'stopped');
      part.checkpoint?.save((file = newFile()), origin);
    }
    t.deepEqual(accountOf(kind, run(kind, design, 50_000, resumed(file))), accountOf(kind, whole));
  });

test('what was saved while a search goes on is that place, wherever the search comes to afterwards', (t) => {
  const design = philosophers(6);
  const file = newFile();
  const whole = run('plain', design, 50_000, null, Infinity, ({ checkpoint }) => checkpoint?.save(file, origin));
  t.true(new Resumption(file).states < whole.states);
  t.deepEqual(accountOf('plain', run('plain', design, 50_000, resumed(file))), accountOf('plain', whole));
});

test('a search may go farther than the bound at which it was cut', (t) => {
  const file = newFile();
  const part = run('plain', philosophers(5), 1000);
  t.is(part.cut, '1000 states');
  part.checkpoint?.save(file, origin);
  const rest = run('plain', philosophers(5), 1743, resumed(file));
  t.is(rest.cut, null);
  t.is(rest.states, 1743);
});

test('that some run came to its end is not forgotten, though none comes there again', (t) => {
  // Met are: the start, the end at once, one step of the way that never ends, and the next.
  const early = run('plain', endsOrWaits, 3);
  t.is(early.judge.reachedEnd, true);
  const file = newFile();
  early.checkpoint?.save(file, origin);
  const rest = run('plain', endsOrWaits, 100, resumed(file));
  t.true(rest.states > early.states);
  t.is(rest.judge.reachedEnd, true);
});

const saves = (file: string, times: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const searches = new URL('checkpoint-searches.js', import.meta.url).href;
    const code = `const searches = await import(${JSON.stringify(searches)}); searches.${searchAndSave.name}(searches.${philosophers.name}(7), ${JSON.stringify(file)})`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    let saved = 0;
    child.stdout.on('data', (said: Buffer) => {
      saved += said.length;
      // In the middle of the next one, most likely.
      if (saved >= times) child.kill('SIGKILL');
    });
    child.on('exit', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error('the child was not killed'))));
  });

test('a process that is killed leaves the checkpoint that it saved last, and the search goes on from there', async (t) => {
  const file = newFile();
  await saves(file, 2);
  const from = new Resumption(file);
  t.true(from.states >= 4096);
  const whole = run('plain', philosophers(7));
  t.true(from.states < whole.states);
  t.deepEqual(accountOf('plain', run('plain', philosophers(7), 50_000, from)), accountOf('plain', whole));
});

test('a checkpoint that is saved too late, when the search has gone on, is the fault of who saves it', (t) => {
  const looks: Progress[] = [];
  run('plain', philosophers(6), 50_000, null, Infinity, (progress) => looks.push(progress));
  t.throws(() => looks[0]?.checkpoint?.save(newFile(), origin), { instanceOf: InternalError });
});

test('what is left of a checkpoint that was not finished is written over by the next', (t) => {
  const file = newFile();
  const { checkpoint } = run('plain', philosophers(5), 1000);
  checkpoint?.save(file, origin);
  copyFileSync(file, `${file}.unfinished`);
  checkpoint?.save(file, origin);
  t.true(existsSync(file));
  t.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.unfinished')),
    [],
  );
});

test('where it cannot be written the error is that of the system', (t) => {
  const { checkpoint } = run('plain', philosophers(5), 1000);
  t.throws(() => checkpoint?.save(join(folder, 'nowhere', 'x'), origin), { code: 'ENOENT' });
});

const kinds: readonly Kind[] = ['plain', 'reduced'];
for (const kind of kinds)
  test(`the other search does not go on from a checkpoint of the ${kind} one`, (t) => {
    const file = newFile();
    run(kind, philosophers(5), 200).checkpoint?.save(file, origin);
    const other = kind === 'plain' ? 'reduced' : 'plain';
    t.throws(() => run(other, philosophers(5), 50_000, resumed(file)), {
      message: `"${file}" is a checkpoint of the ${kind} search, not of the ${other} one`,
    });
  });
