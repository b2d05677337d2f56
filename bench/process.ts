/** Commands that are measured from outside, each a process of its own, so that no heap is shared. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const running = new Set<ChildProcess>();
const folders = new Set<string>();

export interface Ran {
  readonly out: string;
  readonly code: number | null;
  readonly seconds: number;
}

/** @param limit seconds after which it is killed, and its code null */
export async function run(command: string, words: readonly string[], cwd: string, limit = 1800): Promise<Ran> {
  const began = performance.now();
  const child = spawn(command, words, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  const killed = setTimeout(() => child.kill('SIGKILL'), limit * 1000);
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  try {
    const [out, code] = await Promise.all([text(child.stdout), closed]);
    return { out, code, seconds: (performance.now() - began) / 1000 };
  } finally {
    clearTimeout(killed);
    running.delete(child);
  }
}

export async function inFolder<R>(use: (folder: string) => Promise<R>): Promise<R> {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-bench-'));
  folders.add(folder);
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

/** Ctrl-C: nothing that was started goes on, and nothing that was written stays. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
