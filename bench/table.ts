/** The rows for people, in 80 columns. */
import type { BenchRow } from '../src/reporters/schemas.ts';
import { commands } from './spin.ts';

const COLUMNS = [36, 2, 9, 8, 7, 9, 8] as const;

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => (i === 0 ? cell.slice(0, COLUMNS[i]).padEnd(COLUMNS[0]) : cell.padStart(COLUMNS[i] as number)))
    .join('')
    .trimEnd();

export const HEAD = line(['work', 'N', 'states', 'seconds', 'B/state', 'peer', 'ratio']);

/** 12345678 as 12.3M: a column has no room for more, and a measurement no meaning. */
const short = (n: number): string =>
  n < 10_000 ? String(Math.round(n)) : n < 1e6 ? `${(n / 1e3).toFixed(1)}k` : `${(n / 1e6).toFixed(1)}M`;

const time = (seconds: number): string => (seconds < 100 ? seconds.toFixed(2) : seconds.toFixed(0));

export const tableLines = ({ work, n, states, seconds, bytesPerState, peer, ratio }: BenchRow): readonly string[] => [
  line([
    work,
    String(n),
    short(states),
    time(seconds),
    bytesPerState === null ? '' : bytesPerState.toFixed(1),
    peer === null ? '' : time(peer.seconds),
    ratio === null ? '' : ratio < 0.01 ? ratio.toExponential(0) : ratio.toFixed(2),
  ]),
  ...(peer === null ? [] : [`    against ${peer.name}: ${short(peer.states)} states`]),
];

export const FOOT: readonly string[] = [
  '',
  'Seconds are those of whole commands where the work says nothing else; ratio is',
  'ours over the peer. The peer of a guarded counter is Spin; the form of its model',
  'stands behind the comma, and bench/spin.ts says what it is. It runs as',
  `  ${commands(true)}`,
  'and unreduced with -DNOREDUCE. No peer: it has none, or it did not finish in',
  '20 GB and 5 minutes.',
];
