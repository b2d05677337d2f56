/** What tests of shipped scenarios ask: verdicts, and what the trace of a finding shows. */
import type { ExecutionContext } from 'ava';
import { type CheckResult, checkVariant, type Finding, type Scenario } from '../../src/index.ts';
import type { Kind } from '../../machines/object.ts';

export const verdictOf = (scenario: Scenario, variant: string): Promise<CheckResult> =>
  checkVariant(scenario, variant, { maxStates: 2_000_000 });

/** The exhaustive verdict of a design in which nothing is wrong. */
export async function isClean(t: ExecutionContext, scenario: Scenario, variant: string): Promise<CheckResult> {
  const result = await verdictOf(scenario, variant);
  t.deepEqual(
    result.findings.map(({ message }) => message),
    [],
  );
  t.is(result.outcome, 'as-expected');
  t.true(result.exhaustive);
  return result;
}

/** Every expectation is met by a finding, and every finding is expected. */
export async function isAsExpected(t: ExecutionContext, scenario: Scenario, variant: string): Promise<CheckResult> {
  const result = await verdictOf(scenario, variant);
  t.deepEqual(
    result.findings.filter(({ expected }) => !expected).map(({ message }) => message),
    [],
  );
  t.deepEqual(result.missing, []);
  t.is(result.outcome, 'as-expected');
  t.true(result.exhaustive);
  return result;
}

export function findingOf({ findings, consequences }: CheckResult, kind: Kind, object: string, where?: string): Finding {
  const found = [...findings, ...consequences].find(
    (finding) => finding.kind === kind && finding.object === object && (where === undefined || finding.message.includes(where)),
  );
  if (found === undefined) throw new Error(`no ${kind} at ${object}`);
  return found;
}

/** `thread: C text`, and what the thread got for it where it got something. */
export const linesOf = ({ trace }: Finding): readonly string[] =>
  (trace?.steps ?? []).map(({ thread, c, reply }) => `${thread}: ${c}${reply === null ? '' : ` = ${JSON.stringify(reply)}`}`);

/** The lines stand in the trace in this order; others may stand between them. */
export function shows(t: ExecutionContext, finding: Finding, lines: readonly string[]): void {
  const all = linesOf(finding);
  let from = 0;
  const shown = lines.filter((line) => {
    const at = all.indexOf(line, from);
    if (at < 0) return false;
    from = at + 1;
    return true;
  });
  t.deepEqual(shown, lines, `the trace is:\n${all.join('\n')}`);
}
