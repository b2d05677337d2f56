/**
 * A file that is whole or is noticed not to be: blocks, each with a digest that covers the block before it as well, and an
 * empty block at the end. What is written goes through one buffer, however much it is.
 *
 *     interlock.checkpoint/1
 *     { length: 4 bytes, digest: 32 bytes, length bytes } …, the last of length 0
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { ModelError, messageOf } from '../model/errors.ts';
import type { NumberSource } from './number-list.ts';

export const FORMAT = 'interlock.checkpoint/1';

const HEAD = Buffer.from(`${FORMAT}\n`);
const BLOCK = 1 << 20;
const DIGEST = 32;

const digestOf = (before: Buffer, block: Uint8Array): Buffer => createHash('sha256').update(before).update(block).digest();

const bytesOf = (numbers: Int32Array): Uint8Array => new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

/** Takes what is to be written, piece by piece. */
export class CheckedWriter {
  private readonly file: number;
  private readonly block = Buffer.alloc(BLOCK);
  private filled = 0;
  private digest: Buffer = Buffer.alloc(0);

  constructor(file: number) {
    this.file = file;
    writeAll(file, HEAD);
  }

  json(value: unknown): void {
    const text = Buffer.from(JSON.stringify(value));
    this.numbers(Int32Array.of(text.length));
    this.bytes(text);
  }

  numbers(numbers: Int32Array): void {
    this.bytes(bytesOf(numbers));
  }

  end(): void {
    if (this.filled > 0) this.flush();
    this.flush();
  }

  private bytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + BLOCK - this.filled);
      this.block.set(part, this.filled);
      at += part.length;
      this.filled += part.length;
      if (this.filled === BLOCK) this.flush();
    }
  }

  private flush(): void {
    const block = this.block.subarray(0, this.filled);
    this.digest = digestOf(this.digest, block);
    const length = Buffer.alloc(4);
    length.writeInt32LE(block.length);
    writeAll(this.file, Buffer.concat([length, this.digest]));
    writeAll(this.file, block);
    this.filled = 0;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/**
 * Writes beside the file, and puts what was written in its place when it is on the disk: until then the former one stays.
 * @throws Error of the file system
 */
export function writeWhole(path: string, write: (writer: CheckedWriter) => void): void {
  const unfinished = unfinishedOf(path);
  try {
    const file = openSync(unfinished, 'w');
    try {
      const writer = new CheckedWriter(file);
      write(writer);
      writer.end();
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** One for all who write the file: what is left of one that was killed is written over by the next. */
const unfinishedOf = (path: string): string => `${path}.unfinished`;

/** That the file has its new name is on the disk only when its folder is; not every system lets a folder be opened. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // The name may be lost with the power, and then the former checkpoint is there.
  }
}

/** Gives back what was written, in the same order. It is read to its end first, so that nothing of a torn file is used. */
export class CheckedReader implements NumberSource {
  readonly path: string;
  private readonly file: number;
  private readonly size: number;
  private readonly block = Buffer.alloc(BLOCK);
  private at = HEAD.length;
  private taken = 0;
  private filled = 0;
  private digest: Buffer = Buffer.alloc(0);

  /** @throws ModelError if the file is none of ours, of another version, or not whole */
  constructor(path: string) {
    this.path = path;
    this.file = opened(path);
    try {
      this.size = fstatSync(this.file).size;
      this.checkHead();
      while (this.fill());
      if (this.at !== this.size) throw this.damaged();
      this.rewind();
    } catch (error) {
      this.close();
      if (error instanceof ModelError) throw error;
      throw new ModelError(`The checkpoint "${path}" cannot be read: ${messageOf(error)}`, 'search anew, without --resume');
    }
  }

  close(): void {
    closeSync(this.file);
  }

  json(): unknown {
    const length = new Int32Array(1);
    this.read(length);
    const text = Buffer.alloc(length[0] as number);
    this.bytes(text);
    return JSON.parse(text.toString());
  }

  read(into: Int32Array): void {
    this.bytes(bytesOf(into));
  }

  private bytes(into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      if (this.taken === this.filled && !this.fill()) throw this.damaged();
      const part = this.block.subarray(this.taken, Math.min(this.filled, this.taken + into.length - at));
      into.set(part, at);
      at += part.length;
      this.taken += part.length;
    }
  }

  /** The next block. @returns false where it is the empty one at the end */
  private fill(): boolean {
    const head = Buffer.alloc(4 + DIGEST);
    this.readAll(head);
    const length = head.readInt32LE();
    if (length < 0 || length > BLOCK) throw this.damaged();
    const block = this.block.subarray(0, length);
    this.readAll(block);
    this.digest = digestOf(this.digest, block);
    if (!this.digest.equals(head.subarray(4))) throw this.damaged();
    this.taken = 0;
    this.filled = length;
    return length > 0;
  }

  private rewind(): void {
    this.at = HEAD.length;
    this.taken = 0;
    this.filled = 0;
    this.digest = Buffer.alloc(0);
  }

  private checkHead(): void {
    const head = Buffer.alloc(HEAD.length);
    const length = readSync(this.file, head, 0, head.length, 0);
    if (length === head.length && head.equals(HEAD)) return;
    const version = /^interlock\.checkpoint\/\d+/.exec(head.toString('latin1', 0, length))?.[0];
    if (version === undefined)
      throw new ModelError(`"${this.path}" is no checkpoint of Interlock`, 'search anew, without --resume');
    throw new ModelError(
      `"${this.path}" is a checkpoint of another version of Interlock: "${version}", and this one reads "${FORMAT}"`,
      'search anew, without --resume',
    );
  }

  private readAll(into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const read = readSync(this.file, into, at, into.length - at, this.at);
      if (read === 0) throw this.damaged();
      at += read;
      this.at += read;
    }
  }

  private damaged(): ModelError {
    return new ModelError(`The checkpoint "${this.path}" is damaged`, 'search anew, without --resume');
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new ModelError(`There is no checkpoint to resume from: ${messageOf(error)}`, 'search anew, without --resume');
  }
}
