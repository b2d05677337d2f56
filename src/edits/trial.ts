/** A variant as it stands, and the same with one small edit: what is found in the one and not in the other. */
import { createHash } from 'node:crypto';
import { drive, type Reason, variantOf } from '../check/check.ts';
import type { Subject } from '../check/describe.ts';
import type { Finding } from '../check/finding.ts';
import { findingsOf, type Pains } from '../check/findings.ts';
import { findLockOrders } from '../check/lock-order/find.ts';
import { patternsOf } from '../check/lock-order/patterns.ts';
import { type Searched, searchBy, USUALLY } from '../check/strategy.ts';
import { checkSerial } from '../check/serial.ts';
import type { Sighting } from '../explore/found.ts';
import { endsOf } from '../explore/serial-ends.ts';
import { racesIn } from '../explore/races/sweep.ts';
import { cutAt } from '../explore/plain-search.ts';
import { ModelError } from '../model/errors.ts';
import type { Edit } from '../model/edit.ts';
import { editVariant } from '../model/edit-variant.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import type { Known, Survey, Trial } from './element.ts';
import { elementsIn } from './elements.ts';

export interface TrialLimits {
  /** So many states are met one by one; if there are more, what only repeats itself is left out. */
  readonly maxStored: number;
  readonly maxStates: number;
  /** For the search for the best counterexample. */
  readonly nodesForBest: number;
  /** Of so many new faults counterexamples are made. */
  readonly mostFindings: number;
}

export const TRIAL_LIMITS: TrialLimits = { maxStored: 60_000, maxStates: 300_000, nodesForBest: 300_000, mostFindings: 3 };

interface Run {
  readonly subject: Subject;
  readonly searched: Searched;
}

/** What there is in a variant to take away, and how it comes out with everything in its place. */
export async function survey(scenario: Scenario, name: string, limits: TrialLimits, reason: Reason): Promise<Survey> {
  const { subject, searched } = await run(scenario, name, variantOf(scenario, name), limits, reason);
  const { program, judge } = subject;
  const { found } = searched;
  const orders = ordersIn(program);
  const noFaults: Searched = { ...searched, found: { ...found, sightings: [], sometimes: [] } };
  const { findings, consequences } = await findingsOf(subject, noFaults, painsOf(limits, reason));
  const unserial = await unserialIn({ subject, searched }, limits, reason);
  const keysOf = (primary: boolean) =>
    found.sightings.filter((one) => one.primary === primary).map(({ fault }) => judge.keyOf(fault));
  return {
    variant: name,
    elements: found.cut === null ? elementsIn(program) : [],
    cut: found.cut,
    states: found.states,
    faults: keysOf(true),
    consequences: keysOf(false),
    endless: [...findings, ...consequences].map(({ fault }) => judge.keyOf(fault.id)),
    unserial: unserial.map(({ id }) => id),
    lockOrders: patternsOf(program).map(({ text }) => text),
    reached: found.sometimes.flatMap(({ name, reached }) => (reached ? [name] : [])),
    orders,
  };
}

/** @param known the variant as it stands */
export async function tryWith(
  scenario: Scenario,
  known: Known,
  edits: readonly Edit[],
  limits: TrialLimits,
  reason: Reason,
): Promise<Trial> {
  const began = performance.now();
  const nothing = {
    variant: known.variant,
    findings: [],
    faults: 0,
    unreached: [],
    lost: 0,
    states: 0,
    everyState: false,
    why: null,
  };
  const seconds = () => (performance.now() - began) / 1000;
  try {
    const variant = editVariant(variantOf(scenario, known.variant), edits);
    const tried = await run(scenario, known.variant, variant, limits, reason);
    const { found } = tried.searched;
    const { states, cut } = found;
    const everyState = cut === null && tried.searched.whole !== null;
    if (cut === null && ordersIn(tried.subject.program) === known.orders)
      return { ...nothing, outcome: 'same', states, everyState, seconds: seconds() };
    const compared = await compare(tried, known, limits, reason);
    const outcome = outcomeOf(compared, cut);
    return { ...nothing, ...compared, outcome, states, everyState, why: cut, seconds: seconds() };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { ...nothing, outcome: 'no-program', why: error.message, seconds: seconds() };
  }
}

function outcomeOf({ faults, unreached }: Pick<Trial, 'faults' | 'unreached'>, cut: string | null): Trial['outcome'] {
  if (faults > 0) return 'breaks';
  if (cut !== null) return 'cut';
  return unreached.length > 0 ? 'unreached' : 'holds';
}

async function run(scenario: Scenario, name: string, variant: Variant, limits: TrialLimits, reason: Reason): Promise<Run> {
  const program = new Program(variant);
  const searched = await search(program, variant, limits, reason);
  const { found, ends } = searched;
  const sightings = ends === null ? found.sightings : [...found.sightings, ...(await drive(racesIn(ends), reason))];
  const subject = { scenario, name, variant, program, judge: found.judge };
  return { subject, searched: { ...searched, found: { ...found, sightings } } };
}

/** Every state, if they are not too many: in what is left out nobody looks for data races, or for what never ends. */
async function search(program: Program, variant: Variant, limits: TrialLimits, reason: Reason): Promise<Searched> {
  const everyState = { ...USUALLY, strategy: 'plain' } as const;
  const first = await drive(searchBy(everyState, program, variant, { maxStates: limits.maxStored }), reason);
  if (first.found.cut !== cutAt(limits.maxStored)) return first;
  return drive(searchBy(USUALLY, program, variant, { maxStates: limits.maxStates }), reason);
}

/** Where the scenario asks: outcomes that no order of whole operations gives. */
async function unserialIn(
  { subject, searched: { ends, found } }: Run,
  { maxStates, nodesForBest }: TrialLimits,
  reason: Reason,
): Promise<readonly Finding[]> {
  if (ends === null) return [];
  const exhaustive = found.cut === null;
  const serial = await checkSerial(subject, endsOf(ends), { maxStates, nodesForBest, exhaustive }, (search) =>
    drive(search, reason),
  );
  return serial?.findings ?? [];
}

const painsOf = ({ nodesForBest }: TrialLimits, reason: Reason): Pains => ({
  run: (search) => drive(search, reason),
  isStopped: () => reason(null) !== null,
  shrinks: false,
  nodes: nodesForBest,
});

async function newLockOrders({ subject, searched }: Run, known: Known, reason: Reason): Promise<readonly Finding[]> {
  const texts = patternsOf(subject.program).map(({ text }) => text);
  const fresh = texts.filter((text) => !known.lockOrders.includes(text));
  if (fresh.length === 0) return [];
  const all = await findLockOrders(subject, searched, [], (search) => drive(search, reason));
  return all.filter(({ message }) => fresh.some((text) => message.includes(text)));
}

async function compare({ subject, searched }: Run, known: Known, limits: TrialLimits, reason: Reason) {
  const { judge } = subject;
  const { found } = searched;
  const isExhaustive = found.cut === null;
  const met = new Set(found.sightings.map(({ fault }) => judge.keyOf(fault)));
  const lost = isExhaustive ? known.faults.filter((key) => !met.has(key)).length : 0;
  // What came only after another fault comes first where that is not met any more: nothing has become worse.
  const old = new Set([...known.faults, ...known.endless, ...(lost > 0 ? known.consequences : [])]);
  const isNew = (fault: number) => !old.has(judge.keyOf(fault));
  const fresh = found.sightings.filter(({ fault, primary }) => primary && isNew(fault));
  const isRace = (fault: number) => judge.faults[fault]?.kind === 'data-race';
  const sightings = loudestFirst(fresh, isRace).slice(0, limits.mostFindings);
  const only: Searched = { ...searched, found: { ...found, sightings, sometimes: [] } };
  const { findings } = await findingsOf(subject, only, painsOf(limits, reason));
  const unserial = await unserialIn({ subject, searched }, limits, reason);
  const all = [...findings.filter(({ fault }) => isNew(fault.id)), ...unserial.filter(({ id }) => !known.unserial.includes(id))];
  // A deadlock says more than the order that leads to it.
  if (fresh.length === 0 && all.length === 0) all.push(...(await newLockOrders({ subject, searched }, known, reason)));
  const unreached = found.sometimes.filter(({ name, reached }) => !reached && known.reached.includes(name));
  return {
    findings: all.toSorted((a, b) => costOf(a).localeCompare(costOf(b))),
    faults: Math.max(fresh.length, all.length),
    unreached: isExhaustive ? unreached.map(({ name }) => name) : [],
    lost,
  };
}

/** A data race says least of what goes wrong. The shorter the way, the likelier that it is that and not what comes of it. */
const loudestFirst = (sightings: readonly Sighting[], isRace: (fault: number) => boolean): readonly Sighting[] =>
  sightings
    .map((sighting) => ({ sighting, steps: sighting.way().length, race: Number(isRace(sighting.fault)) }))
    .toSorted((a, b) => a.race - b.race || a.steps - b.steps)
    .map(({ sighting }) => sighting);

const costOf = ({ kind, preemptions, threads, trace }: Finding): string =>
  [Number(kind === 'data-race'), preemptions, threads.length, trace?.steps.length ?? 0]
    .map((n) => String(n).padStart(6, '0'))
    .join(' ');

/** All pairs of a step and the next, by what they say, for positions have other numbers in another program. */
function ordersIn({ positions, ways }: Program): string {
  const orders = new Set<string>();
  for (const { firstWay, ways: count, says, thread } of positions)
    for (const { name, kids } of ways.slice(firstWay, firstWay + count))
      for (const { position, reply } of kids.values())
        orders.add(`${thread} ${says} ${name} ${JSON.stringify(reply)} ${positions[position]?.says}`);
  return createHash('sha256')
    .update([...orders].toSorted().join('\n'))
    .digest('hex');
}
