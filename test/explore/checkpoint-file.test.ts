/** A file that is not what was written is noticed before anything of it is believed. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Resumption } from '../../src/explore/checkpoint.ts';
import { CheckedReader, writeWhole } from '../../src/explore/checkpoint-file.ts';
import { origin, philosophers, run } from './checkpoint-searches.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-checkpoint-file-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'whole.checkpoint');
run('plain', philosophers(5), 1000).checkpoint?.save(file, origin);
const whole = readFileSync(file);
const other = join(folder, 'other.checkpoint');
const damaged = { message: `The checkpoint "${other}" is damaged` };

testProp('a checkpoint that ends too early is damaged', [fc.integer({ min: 23, max: whole.length - 1 })], (t, length) => {
  writeFileSync(other, whole.subarray(0, length));
  t.throws(() => new Resumption(other), damaged);
});

testProp(
  'a checkpoint in which one bit is another is damaged',
  [fc.integer({ min: 23, max: whole.length - 1 }), fc.nat(7)],
  (t, at, bit) => {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] as number) ^ (1 << bit);
    writeFileSync(other, bytes);
    t.throws(() => new Resumption(other), damaged);
  },
);

test('a checkpoint with something after its end is damaged', (t) => {
  writeFileSync(other, Buffer.concat([whole, Buffer.from('x')]));
  t.throws(() => new Resumption(other), damaged);
});

test('blocks that are whole but in another order, or of another checkpoint, are damage too', (t) => {
  const numbers = (first: number) => Int32Array.from({ length: (3 << 20) / 4 }, (_, i) => first + i);
  writeWhole(file, (writer) => writer.numbers(numbers(0)));
  const bytes = readFileSync(file);
  const block = 4 + 32 + (1 << 20);
  const part = (n: number, of = bytes) => of.subarray(23 + n * block, 23 + (n + 1) * block);
  const head = bytes.subarray(0, 23);
  writeFileSync(other, Buffer.concat([head, part(0), part(1), part(2), part(3)]));
  t.notThrows(() => new CheckedReader(other).close());
  writeFileSync(other, Buffer.concat([head, part(1), part(0), part(2), part(3)]));
  t.throws(() => new CheckedReader(other), damaged);
  writeWhole(file, (writer) => writer.numbers(numbers(1)));
  writeFileSync(other, Buffer.concat([head, part(0, readFileSync(file)), part(1), part(2), part(3)]));
  t.throws(() => new CheckedReader(other), damaged);
});

test('what fails halfway leaves the former file as it was, and nothing beside it', (t) => {
  const kept = join(folder, 'kept.checkpoint');
  writeWhole(kept, (writer) => writer.json('former'));
  const former = readFileSync(kept);
  const fails = () =>
    writeWhole(kept, (writer) => {
      writer.numbers(new Int32Array(1 << 20));
      throw new Error('no space left');
    });
  t.throws(fails, { message: 'no space left' });
  t.deepEqual(readFileSync(kept), former);
  t.false(existsSync(`${kept}.unfinished`));
});

test('numbers come back as they were written, whatever the pieces', (t) => {
  const written = Int32Array.from({ length: 700_000 }, (_, i) => i * 7919 - 2 ** 30);
  writeWhole(other, (writer) => {
    writer.numbers(written.subarray(0, 5));
    writer.json({ said: 'äöü' });
    writer.numbers(written.subarray(5));
  });
  const reader = new CheckedReader(other);
  const read = new Int32Array(written.length);
  reader.read(read.subarray(0, 3));
  reader.read(read.subarray(3, 5));
  t.deepEqual(reader.json(), { said: 'äöü' });
  reader.read(read.subarray(5, 300_000));
  reader.read(read.subarray(300_000));
  t.deepEqual(read, written);
  t.throws(() => reader.read(new Int32Array(1)), damaged);
  reader.close();
});

for (const [what, bytes, message] of [
  ['empty', '', `"${other}" is no checkpoint of Interlock`],
  ['of something else', '{"format":"interlock.check/1"}', `"${other}" is no checkpoint of Interlock`],
  [
    'of another version',
    'interlock.checkpoint/2\n…',
    `"${other}" is a checkpoint of another version of Interlock: "interlock.checkpoint/2", and this one reads "interlock.checkpoint/1"`,
  ],
] as const)
  test(`a file that is ${what} is none that can be gone on from`, (t) => {
    writeFileSync(other, bytes);
    t.throws(() => new Resumption(other), { message });
  });

test('a file that is not there, and a folder, say so', (t) => {
  t.throws(() => new Resumption(join(folder, 'missing')), { message: /^There is no checkpoint to resume from: ENOENT/ });
  t.throws(() => new Resumption(folder), { message: /cannot be read: EISDIR/ });
});

test('a checkpoint is of one variant of one scenario, and of one version of the checker', (t) => {
  copyFileSync(file, other);
  run('plain', philosophers(5), 1000).checkpoint?.save(other, origin);
  const resumption = new Resumption(other);
  t.notThrows(() => resumption.refuseUnless(origin));
  t.throws(() => resumption.refuseUnless({ ...origin, variant: 'rfc' }), {
    message: `"${other}" is a checkpoint of "test/it", not of "test/rfc"`,
  });
  t.throws(() => resumption.refuseUnless({ ...origin, version: '2' }), {
    message: `"${other}" is a checkpoint of Interlock 1, and this is 2`,
  });
});
