/**
 * Which findings both designs have: of one kind, at one object, raised in the same functions by the same steps. Not by their
 * id, for that is of one variant, nor by their text, for it may tell of numbers.
 */
import type { Finding } from '../check/finding.ts';

export interface FindingsDiff {
  readonly both: readonly (readonly [a: Finding, b: Finding])[];
  readonly only: readonly [a: readonly Finding[], b: readonly Finding[]];
}

export function compareFindings(a: readonly Finding[], b: readonly Finding[]): FindingsDiff {
  const partner = new Map<Finding, Finding>();
  const taken = new Set<Finding>();
  for (const one of a) {
    const other = b.find((each) => !taken.has(each) && isAlike(one, each));
    if (other === undefined) continue;
    partner.set(one, other);
    taken.add(other);
  }
  return {
    both: [...partner],
    only: [a.filter((finding) => !partner.has(finding)), b.filter((finding) => !taken.has(finding))],
  };
}

const isAlike = (one: Finding, other: Finding): boolean =>
  one.kind === other.kind && one.object === other.object && keyOf(one, other) === keyOf(other, one);

/**
 * By where it is raised. Of a circle of locks that is refuted nobody stands there: then the racing pair tells, and of what
 * the scenario states, which statement it is.
 */
function keyOf({ kind, fault, pair }: Finding, other: Finding): string {
  if (kind === 'invariant' || kind === 'end-state') return fault.text;
  if (fault.sites.length === 0 || other.fault.sites.length === 0) return JSON.stringify(pair.between);
  return JSON.stringify(fault.sites.map((site) => [site.function, site.event, site.object].join(' ')).toSorted());
}
