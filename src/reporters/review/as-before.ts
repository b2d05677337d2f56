/** Variants of one scenario have most in common: each is told by what is not as in one that came before. */
import type { Block } from '../../document/document.ts';
import { code } from './spell.ts';

/** By the name of what is told, all that is told of it. */
export type Told = ReadonlyMap<string, string>;

/** What of a variant is to be told. */
export interface Differing {
  /** The variant that the rest is as in; null where all of it is told. */
  readonly base: string | null;
  readonly has: (name: string) => boolean;
}

/** @param before what was told of the variants that came before, in their order */
export function asBefore(told: Told, before: ReadonlyMap<string, Told>): Differing {
  let base: string | null = null;
  let most = told.size / 2;
  for (const [variant, others] of before) {
    const same = [...told].filter(([name, said]) => others.get(name) === said).length;
    if (same <= most) continue;
    base = variant;
    most = same;
  }
  const known = base === null ? undefined : before.get(base);
  return { base, has: (name) => known?.get(name) !== told.get(name) };
}

export interface Table {
  readonly head: readonly string[];
  /** Each begins with a name, in code. */
  readonly rows: readonly (readonly string[])[];
  /** What is said where there is none. */
  readonly none: string;
}

export function differingTable({ base, has }: Differing, { head, rows, none }: Table): readonly Block[] {
  const shown = rows.filter(([name = '']) => has(name.replaceAll('`', '')));
  if (rows.length === 0) return [paragraph(none)];
  const table: Block = { kind: 'table', head, rows: shown };
  if (base === null) return [table];
  return shown.length === 0 ? [paragraph(`As in ${code(base)}.`)] : [paragraph(`As in ${code(base)}, but for:`), table];
}

export const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
export const bullets = (items: readonly string[]): readonly Block[] =>
  items.length === 0 ? [] : [{ kind: 'list', ordered: false, items }];
