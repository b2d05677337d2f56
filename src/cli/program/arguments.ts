/** What several commands take: which scenarios, and numbers with what they may be. */
import { type Command, InvalidArgumentError } from 'commander';

export interface Selecting {
  readonly tag: readonly string[];
  readonly variant: readonly string[];
}

export const selecting = (command: Command): Command =>
  command
    .argument('[scenario...]', 'names, paths and patterns; none means all that are shipped')
    .option('-t, --tag <TAG>', 'only scenarios with this tag or id (may be repeated)', collect, [])
    .option('--variant <NAME>', 'only variants of this name (may be repeated)', collect, []);

/** What a variant may cost, where nothing else is said. */
export const MAX_STATES = 2_000_000;

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function positive(text: string): number {
  const n = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('It is a whole number from 1.');
  return n;
}

export function natural(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('It is a whole number from 0.');
  return n;
}

export function whole(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || Math.abs(n) > 0x7fff_ffff) throw new InvalidArgumentError('It is a whole number of 32 bits.');
  return n;
}

/** With a unit of thousands, as memory is sold. @returns bytes */
export const bytes = measured('It is a size: 500M, 4G.', { K: 1e3, M: 1e6, G: 1e9 });
export const seconds = measured('It is a duration: 90s, 10m, 2h.', { s: 1, m: 60, h: 3600 });

function measured(hint: string, units: Readonly<Record<string, number>>): (text: string) => number {
  return (text) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)([a-zA-Z])$/.exec(text) ?? [];
    const size = units[unit ?? ''];
    if (number === undefined || size === undefined || Number(number) === 0) throw new InvalidArgumentError(hint);
    return Number(number) * size;
  };
}
