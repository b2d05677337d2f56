/** The first sentence of a review: the question that was asked, answered by the verdicts and by nothing else. */
import type { CheckResult } from '../../check/check.ts';
import type { Finding } from '../../check/finding.ts';
import type { Ask, Scenario } from '../../model/scenario.ts';
import { count, listed } from '../layout.ts';

export type Results = ReadonlyMap<string, CheckResult>;

/** @param results by variant; of those that were not checked it says so */
export function answer({ question, variants }: Scenario, results: Results): string {
  if (question === undefined) return `${capital(Object.keys(variants).map(unasked(results)).join('; '))}.`;
  const said = question.answeredBy.map((ask) => clause(ask, results.get(ask.variant)));
  return `${question.asks} ${capital(said.join('; '))}.`;
}

/** The finding that means yes. */
export const shownBy = ({ shownBy: wanted }: Ask, { findings }: CheckResult): Finding | undefined =>
  findings.find(({ kind, object }) => wanted === undefined || (kind === wanted.kind && object === wanted.object));

function clause(ask: Ask, result: CheckResult | undefined): string {
  if (result === undefined) return `${ask.said}: \`${ask.variant}\` was not checked`;
  if (shownBy(ask, result) !== undefined) return `yes ${ask.said}`;
  const scope = `${rolesIn(ask, result)}, ${searchedIn(result)}${otherwise(result)}`;
  if (result.cut === null) return `not ${ask.said} (exhaustive: ${scope})`;
  return `not found ${ask.said}, but the search was cut (${result.cut}: ${scope})`;
}

/** What it shows is no answer to the question, and yet not to be passed over. */
const otherwise = ({ findings }: CheckResult): string =>
  findings.length === 0 ? '' : `; it breaks otherwise: ${listed(kindsOf(findings))}`;

const kindsOf = (findings: readonly Finding[]): readonly string[] => [
  ...new Set(findings.map(({ kind, object }) => `${kind} at ${object}`)),
];

/** Threads that have no role go by their names. */
function rolesIn({ roles = {} }: Ask, { scenario, variant }: CheckResult): string {
  const threads = Object.keys(scenario.variants[variant]?.threads ?? {});
  const counted = Object.entries(roles).map(([role, names]) => ({ role, names: names.filter((name) => threads.includes(name)) }));
  const others = threads.filter((name) => !counted.some(({ names }) => names.includes(name)));
  return [
    ...counted.filter(({ names }) => names.length > 0).map(({ role, names }) => count(names.length, role)),
    ...others.map((name) => `\`${name}\``),
  ].join(', ');
}

const searchedIn = ({ states }: CheckResult): string => `${count(states, 'state')}, sequential consistency`;

/** Where nobody has asked anything, each design says whether it holds. */
const unasked =
  (results: Results) =>
  (variant: string): string => {
    const result = results.get(variant);
    if (result === undefined) return `\`${variant}\` was not checked`;
    const { findings, cut } = result;
    if (findings.length > 0) return `\`${variant}\` breaks (${listed(kindsOf(findings))})`;
    if (cut === null) return `\`${variant}\` holds (exhaustive: ${searchedIn(result)})`;
    return `in \`${variant}\` nothing was found, but the search was cut (${cut}: ${searchedIn(result)})`;
  };

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
