import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { reviewSchema } from '../../src/reporters/review/schema.ts';
import { folderWith, interlock } from './command.ts';
import { big, toy } from './toys.ts';

test('a review goes to stdout as a mail, and nothing is written beside it', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out, err } = await interlock(folder, ['review', 'toy.ts']);
  t.is(code, 0);
  t.is(err, '');
  t.true(out.startsWith('Locking review: toy\n===================\n\nbare breaks (use-after-free at toy).\n'));
  t.true(out.replace(/\s+/g, ' ').includes('interlock check toy.ts --variant bare'));
  t.true(out.includes('kfree(toy) at toy.ts:12'));
  for (const line of out.split('\n')) t.true(line.length <= 75, line);
  t.false(existsSync(join(folder, 'schedules')));
});

test('with -o it goes to a file, in the format that was asked for', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out } = await interlock(folder, ['review', 'toy.ts', '--format', 'html', '-o', 'toy.html']);
  t.is(code, 0);
  t.is(out, 'toy.html: review of 1 scenario\n');
  t.true(readFileSync(join(folder, 'toy.html'), 'utf8').startsWith('<!doctype html>'));
  const refused = await interlock(folder, ['review', 'toy.ts', '-o', 'no/such/folder']);
  t.is(refused.code, 2);
  t.true(refused.err.includes('"no/such/folder" cannot be written'));
});

test('as JSON it is of its schema, however many variants are checked side by side', async (t) => {
  const folder = folderWith(t, { 'a.ts': toy(), 'b.ts': toy(undefined, 'other') });
  const alone = await interlock(folder, ['review', 'a.ts', 'b.ts', '--json', '-j', '1']);
  const beside = await interlock(folder, ['review', 'a.ts', 'b.ts', '--format', 'json', '-j', '2']);
  t.is(alone.code, 0);
  t.is(beside.out, alone.out);
  const { reviews } = reviewSchema.parse(JSON.parse(alone.out));
  t.deepEqual(
    reviews.map(({ scenario }) => scenario),
    ['toy', 'other'],
  );
});

test('what is load-bearing is tried where it is asked for', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out } = await interlock(folder, ['review', 'toy.ts', '--load-bearing', '--json']);
  t.is(code, 0);
  const [review] = reviewSchema.parse(JSON.parse(out)).reviews;
  t.deepEqual(
    review?.loadBearing?.elements.map(({ design }) => design),
    ['without refcount_inc_not_zero(&toy->users) in toy_open()', 'without refcount_dec_and_test(&toy->users) in toy_put()'],
  );
});

test('exit codes are those of a check: not as expected, cut, wrong use', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy(''), 'big.ts': big, 'bad.ts': 'throw new Error("no luck")' });
  t.is((await interlock(folder, ['review', 'toy.ts'])).code, 1);
  const cut = await interlock(folder, ['review', 'big.ts', '--variant', 'first', '--max-states', '1000']);
  t.is(cut.code, 3);
  t.true(cut.out.replace(/\s+/g, ' ').includes('In first nothing was found, but the search was cut (1000 states:'));
  const bad = await interlock(folder, ['review', 'bad.ts', 'toy.ts']);
  t.is(bad.code, 2);
  t.true(bad.out.startsWith('Locking review: toy'));
});

test('Ctrl-C ends the searches, and what they have met is reviewed', async (t) => {
  const folder = folderWith(t, { 'a.ts': 'throw 1', 'big.ts': big });
  const { code, out, err } = await interlock(folder, ['review', 'a.ts', 'big.ts', '-j', '1', '--max-states', '500000000'], {
    meanwhile: async (child) => {
      // Once it says something the first search has begun.
      await once(child.stderr as Readable, 'data');
      await setTimeout(500);
      child.kill('SIGINT');
    },
  });
  t.is(code, 2, err);
  t.true(out.replace(/\s+/g, ' ').includes('In first nothing was found, but the search was cut (interrupted:'));
  t.true(out.includes('second was not checked'));
  t.true(err.includes('Not started: big/second'));
  t.false(existsSync(join(folder, '.interlock')));
});
