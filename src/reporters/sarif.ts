/**
 * The results of a check as SARIF 2.1.0 (OASIS), for the code scanning of a forge: a rule for each kind of finding, the
 * racing steps as locations, the counterexample as a code flow with one thread flow for each thread.
 */
import type { CheckResult } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import type { Trace, TraceStep } from '../trace/trace.ts';
import { nameFinding } from './finding-text.ts';
import { ascii } from './layout.ts';
import type { PlaceOf } from './places.ts';
import type { SarifJson } from './sarif-schema.ts';
import { RULES } from './sarif-rules.ts';
import { speak } from './spoken-step.ts';
import { spellExpectation } from './text.ts';
import { claim } from './verdict.ts';

export interface SarifOptions {
  readonly version: string;
  readonly placeOf: PlaceOf;
  /** The scenario's own file, relative as the places of steps are. */
  readonly fileOf: (result: CheckResult) => string;
}

type Run = SarifJson['runs'][number];
type Result = Run['results'][number];
type Location = Result['locations'][number];
type Rule = Run['tool']['driver']['rules'][number];

export function sarif(results: readonly CheckResult[], options: SarifOptions): SarifJson {
  const reported = results.flatMap((result) => [
    ...result.findings.map((finding) => ofFinding(result, finding, options)),
    ...result.missing.map((expectation) => ofMissing(result, expectation, options)),
  ]);
  const kinds = [...new Set(reported.map(({ ruleId }) => ruleId))].toSorted();
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'interlock', semanticVersion: options.version, rules: kinds.map(ruleOf) } },
        // "No finding" is worth nothing without how far was looked.
        invocations: [{ executionSuccessful: true, toolExecutionNotifications: results.map(notification) }],
        results: reported.map((result) => ({ ...result, ruleIndex: kinds.indexOf(result.ruleId) })),
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

const ruleOf = (id: Rule['id']): Rule => ({
  id,
  shortDescription: { text: RULES[id] },
  defaultConfiguration: { level: 'error' },
});

const nameOf = ({ scenario, variant }: CheckResult): string => `${scenario.name}/${variant}`;

const notification = (result: CheckResult) => ({
  level: result.cut === null ? ('note' as const) : ('warning' as const),
  message: { text: `${nameOf(result)}: ${claim(result)}, under sequential consistency.` },
});

function ofFinding(result: CheckResult, finding: Finding, { placeOf, fileOf }: SarifOptions): Omit<Result, 'ruleIndex'> {
  const { kind, id, expected, trace, pair } = finding;
  const racing = trace?.steps.filter(({ index }) => pair.marked.includes(index)) ?? [];
  const steps = racing.length > 0 ? racing : (trace?.steps.slice(-1) ?? []);
  // Where it shows comes first: that is what a forge draws.
  const locations = steps.toReversed().flatMap((step) => locationOf(step, placeOf) ?? []);
  return {
    ruleId: kind,
    level: expected ? 'note' : 'error',
    message: { text: `${nameOf(result)}: ${ascii(nameFinding(finding))}.${expected ? ' The scenario expects it.' : ''}` },
    locations: locations.length > 0 ? locations : [{ physicalLocation: { artifactLocation: { uri: uriOf(fileOf(result)) } } }],
    partialFingerprints: { 'interlockFinding/v1': id },
    ...(trace === null ? {} : { codeFlows: [codeFlow(trace, pair.marked, placeOf)] }),
  };
}

function ofMissing(
  result: CheckResult,
  expectation: CheckResult['missing'][number],
  options: SarifOptions,
): Omit<Result, 'ruleIndex'> {
  const { kind, object, between } = expectation;
  // Before a cut that proves nothing.
  const soFar = result.cut === null ? '' : ' before the cut';
  return {
    ruleId: kind,
    level: result.cut === null ? 'error' : 'note',
    message: { text: `${nameOf(result)}: expected and not found${soFar}: ${spellExpectation(expectation)}.` },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(options.fileOf(result)) } } }],
    partialFingerprints: { 'interlockMissing/v1': [nameOf(result), kind, object, ...(between ?? [])].join(' ') },
  };
}

/** The order between threads is `executionOrder`. */
function codeFlow({ steps, standing }: Trace, marked: readonly number[], placeOf: PlaceOf) {
  const threads = standing.map(({ thread }) => thread).filter((thread) => steps.some((step) => step.thread === thread));
  return {
    threadFlows: threads.map((thread) => ({
      id: thread,
      locations: steps
        .filter((step) => step.thread === thread)
        .map((step) => ({
          location: { ...locationOf(step, placeOf), message: { text: said(step) } },
          executionOrder: step.index,
          nestingLevel: step.functions.length,
          importance: marked.includes(step.index) ? ('essential' as const) : ('important' as const),
        })),
    })),
  };
}

function said(step: TraceStep): string {
  const { says, note } = speak(step);
  return note === null ? says : `${says}  ${note}`;
}

function locationOf({ place, functions }: TraceStep, placeOf: PlaceOf): Location | null {
  const [, file, line] = /^(.*):(\d+)$/.exec(placeOf(place) ?? '') ?? [];
  const name = functions.at(-1);
  if (file === undefined) return null;
  return {
    physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: Number(line) } },
    ...(name === undefined ? {} : { logicalLocations: [{ name, kind: 'function' }] }),
  };
}

const uriOf = (path: string): string => encodeURI(path.replaceAll('\\', '/'));
