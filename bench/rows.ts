/** What is measured. Each row starts fresh processes and says what they took. */
import { fileURLToPath } from 'node:url';
import type { BenchRow, CheckJson } from '../src/reporters/schemas.ts';
import type { Measured } from './child.ts';
import { inFolder, run } from './process.ts';
import { type Form, guardedCounterInPromela, spin } from './spin.ts';

export interface Row {
  readonly work: string;
  /** Takes a minute or more. */
  readonly isLong: boolean;
  readonly measure: () => Promise<BenchRow>;
}

/** From dist/bench/. */
const root = fileURLToPath(new URL('../../', import.meta.url));
const child = fileURLToPath(new URL('child.js', import.meta.url));
const bin = fileURLToPath(new URL('../../bin/interlock.js', import.meta.url));

interface Told {
  readonly work: string;
  readonly n: number;
  readonly states: number;
  readonly seconds: number;
  readonly bytes?: number | null;
  readonly peakBytes?: number | null;
  readonly peer?: BenchRow['peer'];
}

export const rowOf = ({ work, n, states, seconds, bytes = null, peakBytes = null, peer = null }: Told): BenchRow => ({
  work,
  n,
  states,
  seconds,
  statesPerSecond: Math.round(states / seconds),
  bytesPerState: bytes === null ? null : bytes / states,
  peakBytes,
  peer,
  ratio: peer === null ? null : seconds / peer.seconds,
});

async function inChild(...words: readonly string[]): Promise<Measured> {
  const { out, code } = await run(process.execPath, ['--max-old-space-size=16384', child, ...words], root);
  if (code !== 0) throw new Error(`the measurement "${words.join(' ')}" fails`);
  return JSON.parse(out) as Measured;
}

interface Checked {
  readonly states: number;
  /** Of the whole command, and of what it tells itself without start-up. */
  readonly seconds: number;
  readonly inside: number;
}

/** The command as its users call it. */
const check = (...words: readonly string[]): Promise<Checked> =>
  inFolder(async (folder) => {
    const { out, code, seconds } = await run(process.execPath, [bin, 'check', ...words, '--json'], folder);
    if (code !== 0) throw new Error(`"interlock check ${words.join(' ')}" exits ${code}`);
    const { results } = JSON.parse(out) as CheckJson;
    const sum = (of: (result: CheckJson['results'][number]) => number) =>
      results.reduce((total, result) => total + of(result), 0);
    return { states: sum((result) => result.states), seconds, inside: sum((result) => result.seconds) };
  });

const scenario = `${root}bench/guarded-counter.ts`;
const toVerdict = (n: number): Promise<Checked> => check(scenario, '--variant', `n${n}`);

const guarded = (n: number, form: Form, isLong: boolean): Row => {
  const work = `guarded counter, ${form}`;
  return {
    work: `${work}, N = ${n}`,
    isLong,
    measure: async () => {
      const peer = await spin(guardedCounterInPromela(form, n), 'spin', true);
      return rowOf({ work, n, ...(await toVerdict(n)), peer });
    },
  };
};

const withoutReduction = (n: number): Row => {
  const work = 'guarded counter, unreduced';
  return {
    work: `${work}, N = ${n}`,
    isLong: false,
    measure: async () => {
      const peer = await spin(guardedCounterInPromela('forgotten', n), 'spin', false);
      return rowOf({ work, n, ...(await inChild('search', String(n), 'plain', '100000000')), peer });
    },
  };
};

const memory = (n: number, states: number): Row => {
  const work = 'memory, 12 slots and 8 threads';
  return {
    work,
    isLong: true,
    measure: async () => rowOf({ work, n, ...(await inChild('search', String(n), 'plain', String(states))) }),
  };
};

const shipped = (work: string, words: readonly string[], part: 'seconds' | 'inside'): Row => ({
  work,
  isLong: false,
  measure: async () => {
    const checked = await check(...words);
    return rowOf({ work, n: 1, states: checked.states, seconds: checked[part] });
  },
});

const inside = (work: string, words: readonly string[], peer: string): Row => ({
  work,
  isLong: false,
  measure: async () => {
    const { peerSeconds, ...measured } = await inChild(...words);
    const against = peerSeconds === null ? null : { name: peer, states: measured.states, seconds: peerSeconds };
    return rowOf({ work, n: 1, ...measured, peer: against });
  },
});

/** `states` is the number of traces. */
const traces = (name: string): Row => ({
  work: `traces of ${name}`,
  isLong: true,
  measure: async () => rowOf({ work: `traces of ${name}`, n: 1, ...(await inChild('traces', name)) }),
});

const RFC = ['refcount-read-set', '--variant', 'rfc'];

export const ROWS: readonly Row[] = [
  guarded(5, 'loop', false),
  guarded(7, 'private', false),
  guarded(7, 'unrolled', false),
  guarded(7, 'loop', true),
  guarded(9, 'private', true),
  guarded(9, 'loop', true),
  withoutReduction(5),
  memory(8, 10_000_000),
  shipped('refcount-read-set/rfc, whole command', RFC, 'seconds'),
  shipped('refcount-read-set/rfc, verdict', RFC, 'inside'),
  shipped('seed-002, whole command', ['--tag', 'seed-002'], 'seconds'),
  traces('lastzero(15)'),
  traces('fib_bench'),
  traces('indexer(15)'),
  traces('filesystem(19)'),
  inside('steps on tables', ['tables', '10000000'], 'transition()'),
  inside('search with tables to learn', ['learning'], 'tables learned'),
];
