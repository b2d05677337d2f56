/** A review as the document of `docs/json.md`: the facts, and of the words only the answer. */
import type { CheckResult } from '../../check/check.ts';
import type { LoadBearing } from '../../edits/element.ts';
import type { FixSearch } from '../../edits/fixes/fix.ts';
import type { AccessSite, GuardedField, Rule } from '../../review/guarded-by.ts';
import type { LockFacts, PlacedCall } from '../../review/lock-facts.ts';
import type { Locking } from '../../review/locking.ts';
import { formatSchedule } from '../../trace/schedule.ts';
import { diagramText } from '../diagram.ts';
import type { PlaceOf } from '../places.ts';
import { answer } from './answer.ts';
import type { Reviewed } from './document.ts';
import type { ReviewJson } from './schema.ts';

type VariantJson = ReviewJson['reviews'][number]['variants'][number];
type LockingJson = NonNullable<VariantJson['locking']>;

export const reviewJson = (reviews: readonly Reviewed[], placeOf: PlaceOf): ReviewJson => ({
  schema: 'interlock.review/1',
  memoryModel: 'SC',
  reviews: reviews.map(({ scenario, results, plugged }) => ({
    scenario: scenario.name,
    question: scenario.question?.asks ?? null,
    answer: answer(scenario, results),
    merged: scenario.question?.merged ?? null,
    fixes: plugged.fixes === undefined ? null : plugged.fixes.map(fixesJson),
    loadBearing: plugged.loadBearing === undefined ? null : loadBearingJson(plugged.loadBearing),
    variants: [...results.values()].map((result) => variantJson(result, placeOf)),
  })),
});

const fixesJson = ({ variant, finding, candidates, stopped, fixes }: FixSearch) => ({
  variant,
  finding,
  candidates,
  stopped,
  fixes: fixes.map(({ kind, says, size, verified, broken, mends, addsOrders, steps }) => ({
    kind,
    change: says,
    size,
    verified: verified.map((one) => ({ ...one, unreached: [...one.unreached] })),
    broken: [...broken],
    mends: [...mends],
    addsOrders: [...addsOrders],
    steps: [...steps],
  })),
});

const loadBearingJson = ({ stopped, results }: LoadBearing): ReviewJson['reviews'][number]['loadBearing'] => ({
  stopped,
  elements: results.map(({ element, verdict, trials }) => ({
    kind: element.kind,
    change: element.how,
    design: element.says,
    verdict,
    trials: trials.map(({ variant, outcome, states, why, findings }) => ({
      variant,
      result: outcome,
      states,
      why,
      findings: findings.map(({ kind, object, message, schedule }) => ({
        kind,
        object,
        message,
        schedule: schedule === null ? null : formatSchedule(schedule),
      })),
    })),
  })),
});

const variantJson = (result: CheckResult, placeOf: PlaceOf): VariantJson => ({
  variant: result.variant,
  outcome: result.outcome,
  exhaustive: result.exhaustive,
  cut: result.cut,
  strategy: result.strategy,
  states: result.states,
  findings: result.findings.map((finding) => ({
    kind: finding.kind,
    id: finding.id,
    expected: finding.expected,
    object: finding.object,
    message: finding.message,
    diagram: diagramText(finding),
  })),
  locking: result.locking === undefined ? null : lockingJson(result.locking, placeOf),
});

const lockingJson = ({ states, isWhole, fields, locks, order }: Locking, placeOf: PlaceOf): LockingJson => ({
  states,
  whole: isWhole,
  fields: fields.map((field) => fieldJson(field, placeOf)),
  locks: locks.map((lock) => lockJson(lock, placeOf)),
  order: {
    locks: [...order.locks],
    edges: order.edges.map(({ outer, inner, threads, sites }) => ({
      outer,
      inner,
      threads: [...threads],
      sites: sites.map((site) => callJson(site, placeOf)),
    })),
    cycles: order.cycles.map((cycle) => [...cycle]),
    leaves: [...order.leaves],
    unordered: [...order.unordered],
  },
});

const fieldJson = ({ writes, reads, ...field }: GuardedField, placeOf: PlaceOf): LockingJson['fields'][number] => ({
  ...field,
  threads: [...field.threads],
  writes: ruleJson(writes, placeOf),
  reads: ruleJson(reads, placeOf),
});

const ruleJson = ({ locks, broken, sites }: Rule, placeOf: PlaceOf) => ({
  locks: [...locks],
  broken,
  sites: sites.map(({ threads, plain, held, breaks, meets, ...site }: AccessSite) => ({
    ...callJson(site, placeOf),
    threads: [...threads],
    plain,
    held: [...held],
    breaks,
    meets: meets === null ? null : [...meets],
  })),
});

const callJson = ({ function: name, event, place }: PlacedCall, placeOf: PlaceOf) => ({
  function: name,
  event,
  place: placeOf(place),
});

const lockJson = (lock: LockFacts, placeOf: PlaceOf): LockingJson['locks'][number] => ({
  ...lock,
  taken: lock.taken.map((call) => callJson(call, placeOf)),
  waits: lock.waits.map((call) => callJson(call, placeOf)),
  allocations: lock.allocations.map((call) => callJson(call, placeOf)),
  calls: [...lock.calls],
  callbacks: lock.callbacks.map((each) => ({ ...each })),
  longestChain: lock.longestChain === null ? null : lock.longestChain.map((link) => ({ ...link })),
});
