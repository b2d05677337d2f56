/** Runs the command as its users do, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

/** From dist/test/cli/. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const bin = join(root, 'bin', 'interlock.js');

/** @returns the path of a folder with these files, which is gone after the test */
export function folderWith(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'interlock-test-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Circumstances {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly bin?: string;
  /** Is given the process while it runs. */
  readonly meanwhile?: (child: ChildProcess) => Promise<void>;
}

export async function interlock(
  cwd: string,
  words: readonly string[],
  { input = '', env, bin: file = bin, meanwhile }: Circumstances = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [file, ...words], { cwd, env: { ...process.env, ...env } });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout).catch(() => ''), text(child.stderr), meanwhile?.(child)]);
  return { code: await ended, out, err };
}
