/** Fixes for a finding: every candidate is verified, until a smaller one does the same. */
import pLimit from 'p-limit';
import type { Finding } from '../../check/finding.ts';
import type { Candidate } from './candidate.ts';
import type { Fix, FixSearch } from './fix.ts';

/** Who verifies: here or in another thread. */
export interface Workshop {
  /** How many it does at a time. */
  readonly places: number;
  candidates(variant: string, finding: Finding): Promise<readonly Candidate[]>;
  /** @returns null where the candidate is no fix */
  verify(variant: string, finding: Finding, candidate: Candidate): Promise<Fix | null>;
}

export interface Hooks {
  /** Why to stop; null to go on. */
  readonly reason: () => string | null;
  /** One more has been tried, or need not be. */
  readonly onTried?: (done: number, of: number) => void;
}

export async function findFixes(
  workshop: Workshop,
  variant: string,
  finding: Finding,
  { reason, onTried }: Hooks,
): Promise<FixSearch> {
  const candidates = await workshop.candidates(variant, finding);
  const found: { readonly candidate: Candidate; readonly fix: Fix }[] = [];
  const limit = pLimit(workshop.places);
  let done = 0;
  await Promise.all(
    candidates.map((candidate) =>
      limit(async () => {
        if (reason() !== null) return;
        if (!found.some((known) => isEnough(known, candidate))) {
          const fix = await workshop.verify(variant, finding, candidate);
          if (fix !== null) found.push({ candidate, fix });
        }
        done++;
        onTried?.(done, candidates.length);
      }),
    ),
  );
  // Which were verified beside others depends on who was quicker: what is shown does not.
  const inOrder = found.toSorted((a, b) => candidates.indexOf(a.candidate) - candidates.indexOf(b.candidate));
  const kept = inOrder.filter(({ candidate }, i) => !inOrder.some((known, j) => j < i && isEnough(known, candidate)));
  return {
    variant,
    finding: finding.id,
    message: finding.message,
    fixes: kept.map(({ fix }) => fix).toSorted(byWorth),
    candidates: candidates.length,
    stopped: reason(),
  };
}

/** One that holds everywhere, of the same group, or of the same kind and smaller. */
const isEnough = (
  { candidate: known, fix }: { readonly candidate: Candidate; readonly fix: Fix },
  candidate: Candidate,
): boolean =>
  fix.broken.length === 0 && (known.group === candidate.group || (known.kind === candidate.kind && known.size < candidate.size));

const byWorth = (a: Fix, b: Fix): number =>
  Math.min(a.broken.length, 1) - Math.min(b.broken.length, 1) ||
  a.size - b.size ||
  a.addsOrders.length - b.addsOrders.length ||
  b.verified.length - a.verified.length;
