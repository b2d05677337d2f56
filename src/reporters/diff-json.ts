/** The comparison of two designs, as `docs/json.md` has it. */
import type { CheckResult } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import type { Diff } from '../diff/diff.ts';
import type { PartingWays } from '../diff/replayed.ts';
import { formatSchedule } from '../trace/schedule.ts';
import type { DiffJson } from './diff-schema.ts';
import { spellOperation } from './finding-text.ts';

export function diffJson(diff: Diff): DiffJson {
  const { findings, locks, outcomes } = diff;
  return {
    schema: 'interlock.diff/1',
    memoryModel: 'SC',
    scenario: diff.scenario.name,
    designs: both(diff.checks, designJson),
    cuts: both(diff.cuts, (cut) => cut),
    findings: {
      both: findings.both.map((pair) => both(pair, findingJson)),
      only: both(findings.only, (only) => only.map(findingJson)),
    },
    replayed: diff.replayed.map(({ finding, same, extra, leftOut, first, left, found }) => ({
      finding: finding.id,
      steps: finding.trace?.steps.length ?? 0,
      same,
      extra,
      leftOut,
      first: first && partingJson(first),
      left: left && partingJson(left),
      found: found.map(findingJson),
    })),
    incomparable: typeof outcomes === 'string' ? outcomes : null,
    outcomes: typeof outcomes === 'string' ? null : outcomesJson(outcomes),
    serial: diff.serial && serialJson(diff.serial),
    lockOrder: {
      both: locks.both,
      only: both(locks.only, (edges) => edges.map(({ from, to, functions }) => ({ from, to, functions: [...functions] }))),
    },
    strangers: [...diff.strangers],
  };
}

/** The same of the first design and of the second. */
const both = <T, R>([a, b]: readonly [T, T], of: (one: T) => R): [R, R] => [of(a), of(b)];

const designJson = ({ variant, outcome, exhaustive, cut, strategy, searched, states, steps, seconds }: CheckResult) => ({
  variant,
  outcome,
  exhaustive,
  cut,
  strategy,
  searched: [...searched],
  states,
  steps,
  seconds,
});

const findingJson = ({ kind, id, object, message, expected }: Finding) => ({ kind, id, object, message, expected });

const partingJson = ({ why, step, here, there }: PartingWays) => ({
  why,
  step,
  here: { ...here },
  there: there && { ...there, heldBy: [...there.heldBy] },
});

function outcomesJson(outcomes: Exclude<Diff['outcomes'], string>): NonNullable<DiffJson['outcomes']> {
  const { compared, notCompared, neverAlike, counts, only, schedules } = outcomes;
  const onlyJson = (side: 0 | 1) =>
    only[side].flatMap(({ place, of, here, there, outcomes: times }, i) => {
      const schedule = schedules[side][i];
      return schedule === undefined ? [] : [{ place, of, here, there, outcomes: times, schedule: formatSchedule(schedule) }];
    });
  return {
    compared: compared.map(({ name, of }) => ({ name, of })),
    notCompared: both(notCompared, (names) => [...names]),
    neverAlike: neverAlike.map(({ place, of, values }) => ({ place, of, values: both(values, (each) => [...each]) })),
    counts: { ...counts },
    only: [onlyJson(0), onlyJson(1)],
  };
}

const serialJson = ({ verdict, findings }: NonNullable<Diff['serial']>): NonNullable<DiffJson['serial']> => ({
  ...verdict,
  unserial: findings.map(({ object, message, serial }) => ({
    object,
    message,
    order: serial?.order.map(spellOperation) ?? [],
    outcomes: serial?.outcomes ?? 1,
  })),
});
