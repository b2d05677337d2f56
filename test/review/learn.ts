/** What the checker learns of the locking of a small design, in lines. */
import type { ExecutionContext } from 'ava';
import { type CheckOptions, checkVariant, type Variant } from '../../src/index.ts';
import type { GuardedField, Rule } from '../../src/review/guarded-by.ts';
import type { Locking } from '../../src/review/locking.ts';
import { scenarioOf } from '../helpers/tiny.ts';

export async function lockingOf(t: ExecutionContext, variant: Variant, how: CheckOptions['how'] = {}): Promise<Locking> {
  const { locking } = await checkVariant(scenarioOf({ it: variant }), 'it', { maxStates: 100_000, locking: true, how });
  if (locking === undefined) return t.fail('nothing was learned');
  return locking;
}

export function fieldOf({ fields }: Locking, name: string): GuardedField {
  const field = fields.find((each) => each.field === name);
  if (field === undefined) throw new Error(`no ${name} among ${fields.map((each) => each.field).join(', ')}`);
  return field;
}

/** `m 1/3`: under m, but for one of three sites. */
export const short = ({ locks, broken, sites }: Rule): string => `${locks.join('+') || '-'} ${broken}/${sites.length}`;

export const rules = ({ writes, reads }: GuardedField): readonly [string, string] => [short(writes), short(reads)];
