/** A small change of kernel code that may mend a finding. */
import type { Edit } from '../../model/edit.ts';
import type { FixKind } from '../../model/scenario.ts';

export interface Candidate {
  readonly kind: FixKind;
  /** What to do, in a clause: `take &vfio.device_lock around refcount_read() ... refcount_set() in f()`. */
  readonly says: string;
  readonly edits: readonly Edit[];
  /** How many statements are added, taken away or moved. */
  readonly size: number;
  /** Candidates of one group do the same with more or less of the code: the smallest that helps is enough. */
  readonly group: string;
}

/** The kernel function in which something stands, for a sentence. */
export const inFunction = (activations: readonly string[]): string => `${activations.at(-1)?.split(' ')[0] ?? '?'}()`;
