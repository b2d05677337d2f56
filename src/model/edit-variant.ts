/** A variant whose kernel code is edited: the same objects, threads and calls, and what is done in them otherwise. */
import type { Edit } from './edit.ts';
import type { Thread, Variant } from './scenario.ts';

export function editVariant(variant: Variant, edits: readonly Edit[]): Variant {
  const threads = Object.entries(variant.threads).map(([name, thread]): [string, Thread] => [
    name,
    { ...thread, calls: thread.calls.map((call) => call.edited(edits)) },
  ]);
  return { ...variant, threads: Object.fromEntries(threads) };
}

/** What the code of the variant is edited by. */
export const editsOf = ({ threads }: Pick<Variant, 'threads'>): readonly Edit[] =>
  Object.values(threads).flatMap(({ calls }) => calls)[0]?.edits ?? [];
