/**
 * A variant without some of its calls: the same objects, the same threads in the same order, and each call at its place,
 * but those that are left out are never made. So positions and choices mean the same with and without them.
 *
 * `user` stands for all calls of a thread, `registrar_b.2` for one of them, counted from 1.
 */
import type { Edit } from './edit.ts';
import { editVariant } from './edit-variant.ts';
import { ModelError } from './errors.ts';
import type { Call, Scenario, Thread, Variant } from './scenario.ts';
import { resultsOf } from './variant-laws.ts';

/** @throws ModelError if there is no such thread or call, or another call needs its result */
export function leaveOut(variant: Variant, without: readonly string[]): Variant {
  const left = new Map(Object.entries(variant.threads).map(([name, { calls }]) => [name, [...calls]]));
  for (const one of without) {
    const [, name = '', nth] = /^(.*?)(?:\.(\d+))?$/.exec(one) ?? [];
    const calls = left.get(name);
    const at = nth === undefined ? null : Number(nth) - 1;
    if (calls === undefined || (at !== null && calls[at] === undefined))
      throw new ModelError(`There is no "${one}" to leave out`, `there are ${namesOf(variant).join(', ')}`);
    for (const [i, call] of calls.entries()) if (at === null || at === i) calls[i] = call.leftOut();
  }
  const threads = Object.entries(variant.threads).map(([name, thread]): [string, Thread] => [
    name,
    { ...thread, calls: left.get(name) as Call[] },
  ]);
  return { ...variant, threads: Object.fromEntries(threads) };
}

const namesOf = ({ threads }: Variant): readonly string[] =>
  Object.entries(threads).flatMap(([name, { calls }]) => [name, ...calls.map((_, i) => `${name}.${i + 1}`)]);

/** What is left out of a variant, a thread by its name alone where none of its calls is made. */
export const whatIsLeftOut = ({ threads }: Pick<Variant, 'threads'>): readonly string[] =>
  Object.entries(threads).flatMap(([name, { calls }]) => {
    const out = calls.flatMap(({ isLeftOut }, i) => (isLeftOut ? [`${name}.${i + 1}`] : []));
    return out.length === calls.length && out.length > 0 ? [name] : out;
  });

/** With the calls that cannot be made without the result of one that is left out. */
export function withWhatNeedsThem(variant: Variant, without: readonly string[]): Variant {
  const first = leaveOut(variant, without);
  const threads = Object.entries(first.threads).map(([name, thread]): [string, Thread] => {
    const known = new Set<string>();
    const calls = thread.calls.map((call) => {
      if (call.isLeftOut || resultsOf(call).some((result) => !known.has(result))) return call.leftOut();
      if (call.result !== null) known.add(call.result);
      return call;
    });
    return [name, { ...thread, calls }];
  });
  return { ...first, threads: Object.fromEntries(threads) };
}

/** The variant that a schedule is for. @throws ModelError if it leaves out what is not there, or there is no such variant */
export function variantFor(
  { name, variants }: Pick<Scenario, 'name' | 'variants'>,
  schedule: { readonly variant: string; readonly without: readonly string[]; readonly edits?: readonly Edit[] },
): Variant {
  const variant = variants[schedule.variant];
  if (variant === undefined)
    throw new ModelError(
      `Scenario "${name}" has no variant "${schedule.variant}"`,
      `variants: ${Object.keys(variants).join(', ')}`,
    );
  return leaveOut(editVariant(variant, schedule.edits ?? []), schedule.without);
}
