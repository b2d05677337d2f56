/** Runs a model in Spin, and tells what it says of it. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const works = (command: string, flag: string): boolean => spawnSync(command, [flag]).status === 0;

/** Why Spin cannot be asked on this machine; null if it can. */
export const missing: string | null =
  [works('spin', '-V') ? '' : 'spin', works('gcc', '--version') ? '' : 'gcc'].filter(Boolean).join(' and ') || null;

export interface Verdict {
  readonly states: number;
  /** Invalid end states. */
  readonly deadlocks: number;
  /** All ends, as none is valid in a build of its own; null where that was not asked for. */
  readonly ends: number | null;
  /** The numbers of the assertions that it has seen violated. */
  readonly violated: readonly number[];
}

/** @param asked `reduced`: with Spin's partial-order reduction; `ends`: count them too */
export async function askSpin(model: string, { reduced = false, ends = true } = {}): Promise<Verdict> {
  const [asIs, allEnds] = await Promise.all([
    built(model, reduced, [], async (pan) => [await pan('-A'), await pan('-E')] as const),
    ends ? built(model, reduced, ['-DENDS'], async (pan) => pan('-A')) : null,
  ]);
  const [deadlocks, assertions] = asIs;
  const violated = [...assertions.matchAll(/assertion violated +!\((\d+)\)/g)].map(([, n]) => Number(n));
  return {
    states: numberIn(deadlocks, /(\d+) states, stored/),
    deadlocks: numberIn(deadlocks, /errors: (\d+)/),
    ends: allEnds === null ? null : numberIn(allEnds, /errors: (\d+)/),
    violated: [...new Set(violated)].toSorted((a, b) => a - b),
  };
}

type Pan = (flag: string) => Promise<string>;

async function built<R>(model: string, reduced: boolean, defines: readonly string[], use: (pan: Pan) => Promise<R>): Promise<R> {
  const cwd = mkdtempSync(join(tmpdir(), 'interlock-spin-'));
  try {
    writeFileSync(join(cwd, 'model.pml'), model);
    await run('spin', [...defines, '-a', '-o3', 'model.pml'], { cwd });
    await run('gcc', ['-O0', '-w', '-DSAFETY', ...(reduced ? [] : ['-DNOREDUCE']), '-o', 'pan', 'pan.c'], { cwd });
    // A small hash table: the usual one takes longer to clear than such a search.
    return await use(async (flag) => (await run(join(cwd, 'pan'), [flag, '-c0', '-w12', '-m100000'], { cwd })).stdout);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function numberIn(said: string, pattern: RegExp): number {
  const found = pattern.exec(said)?.[1];
  if (found === undefined || /max search depth too small/.test(said)) throw new Error(`Spin did not finish:\n${said}`);
  return Number(found);
}
