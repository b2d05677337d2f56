/** Which findings both designs have: alike in kind, object, and the functions and steps at which they are raised. */
import type { Finding } from '../check/finding.ts';

export interface FindingsDiff {
  readonly both: readonly (readonly [a: Finding, b: Finding])[];
  readonly only: readonly [a: readonly Finding[], b: readonly Finding[]];
}

export function compareFindings(a: readonly Finding[], b: readonly Finding[]): FindingsDiff {
  const partner = new Map<Finding, Finding>();
  for (const one of a) {
    const other = b.find((each) => !partnered(partner, each) && likenessOf(each) === likenessOf(one));
    if (other !== undefined) partner.set(one, other);
  }
  return {
    both: [...partner],
    only: [a.filter((finding) => !partner.has(finding)), b.filter((finding) => !partnered(partner, finding))],
  };
}

const partnered = (partner: ReadonlyMap<Finding, Finding>, finding: Finding): boolean => [...partner.values()].includes(finding);

/** Not the id, for that is of one variant; nor the text, for it may tell of numbers. */
const likenessOf = ({ kind, object, fault, pair }: Finding): string =>
  JSON.stringify([kind, object, fault.sites.map((site) => [site.function, site.event, site.object]), pair.between]);
