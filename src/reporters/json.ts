/** What the commands found, as the documents of `docs/json.md`. */
import type { CheckResult } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import type { Expectation, Scenario } from '../model/scenario.ts';
import { formatSchedule, type Schedule } from '../trace/schedule.ts';
import type { TraceStep } from '../trace/trace.ts';
import { diagramText } from './diagram.ts';
import { spellOperation } from './finding-text.ts';
import { titleOf } from './kernel/title.ts';
import { ledgerOf } from './ledger.ts';
import { ledgerJson } from './ledger-json.ts';
import type { CheckJson, ListJson, ReplayJson } from './schemas.ts';

export const listJson = (scenarios: readonly Scenario[]): ListJson => ({
  schema: 'interlock.list/1',
  scenarios: scenarios.map(({ name, summary, source, tags, covers, variants }) => ({
    name,
    summary,
    source,
    tags: [...tags],
    covers: [...covers],
    variants: Object.entries(variants).map(([variant, { expect }]) => ({ name: variant, expect: expect.map(expectationJson) })),
  })),
});

const expectationJson = ({ kind, object, between }: Expectation) => ({
  kind,
  object,
  between: between === undefined ? null : ([...between] as [string, string]),
});

/** @param allSteps the diagrams are without elisions */
export const checkJson = (results: readonly CheckResult[], allSteps: boolean): CheckJson => ({
  schema: 'interlock.check/1',
  memoryModel: 'SC',
  results: results.map((result) => ({
    scenario: result.scenario.name,
    variant: result.variant,
    outcome: result.outcome,
    exhaustive: result.exhaustive,
    cut: result.cut,
    estimate: result.estimate,
    strategy: result.strategy,
    notes: [...result.notes],
    searched: [...result.searched],
    states: result.states,
    traces: result.traces,
    steps: result.steps,
    seconds: result.seconds,
    findings: result.findings.map((finding) => findingJson(finding, allSteps)),
    consequences: result.consequences.map((finding) => findingJson(finding, allSteps)),
    sometimes: result.sometimes.map(({ name, reached }) => ({ name, reached })),
    serial: result.serial === null ? null : { ...result.serial },
  })),
});

const findingJson = (finding: Finding, allSteps: boolean) => ({
  kind: finding.kind,
  id: finding.id,
  expected: finding.expected,
  message: finding.message,
  title: titleOf(finding),
  object: finding.object,
  threads: [...finding.threads],
  preemptions: finding.preemptions,
  steps: finding.trace?.steps.length ?? 0,
  without: [...finding.without],
  schedule: finding.schedule === null ? null : formatSchedule(finding.schedule),
  diagram: diagramText(finding, { allSteps }),
  ledger: ledgerOf(finding).map(ledgerJson),
  nearestOrder:
    finding.serial === null
      ? null
      : {
          order: finding.serial.order.map(spellOperation),
          differences: finding.serial.differences.map(({ object, here, there }) => ({ object, here, there })),
          outcomes: finding.serial.outcomes,
        },
});

export interface Replayed {
  readonly schedule: Schedule;
  readonly finding: Pick<Finding, 'kind' | 'id'> | null;
  readonly diverged: { readonly step: number; readonly expected: string; readonly found: string } | null;
  readonly steps: readonly TraceStep[];
}

export const replayJson = ({ schedule, finding, diverged, steps }: Replayed): ReplayJson => ({
  schema: 'interlock.replay/1',
  scenario: schedule.scenario,
  variant: schedule.variant,
  finding: finding === null ? null : { kind: finding.kind, id: finding.id },
  diverged,
  trace: steps.map(({ index, thread, operation, object, event, reply, splats }) => ({
    step: index,
    thread,
    operation,
    object,
    event: event.type,
    reply: reply as ReplayJson['trace'][number]['reply'],
    splats: splats.map((splat) => ({ kind: splat.kind, object: splat.object, text: splat.text, prints: splat.prints })),
  })),
});
