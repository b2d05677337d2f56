/**
 * A candidate is put into the code, and every design that runs this code is explored again, with all that a check looks
 * for. It holds if the finding is gone, nothing has come that was not there before, callers still get what they got, and
 * no bound has cut the search.
 */
import type { Kind } from '../../../machines/object.ts';
import type { Finding } from '../../check/finding.ts';
import { ModelError } from '../../model/errors.ts';
import type { Edit } from '../../model/edit.ts';
import { editVariant } from '../../model/edit-variant.ts';
import type { Scenario } from '../../model/scenario.ts';
import { beforeAndAfter } from './before-after.ts';
import type { Candidate } from './candidate.ts';
import { candidatesFor } from './candidates.ts';
import {
  type Base,
  baseOf,
  checkDesign,
  type Effort,
  exploreDesign,
  isNoClaim,
  nameOf,
  ordersIn,
  whatCallersGet,
} from './design.ts';
import type { Workshop } from './find-fixes.ts';
import { comesOutOtherwise } from './one-after-the-other.ts';
import type { Broken, Fix, Verified } from './fix.ts';

/** Kinds that no state or step shows by itself. */
const OF_WHOLE_RUNS: readonly Kind[] = ['data-race', 'starvation', 'hung-task', 'lock-order', 'non-serialisable'];

/** A design with a candidate in it. */
type Outcome =
  | {
      readonly holds: true;
      readonly verified: Verified;
      readonly left: ReadonlySet<string>;
      readonly orders: ReadonlySet<string>;
    }
  | { readonly holds: false; readonly why: string };

/** Verifies one candidate after the other, and knows the designs as they stand. */
export class Verifier implements Workshop {
  readonly places = 1;
  private readonly scenario: Scenario;
  private readonly others: readonly Scenario[];
  private readonly effort: Effort;
  private readonly bases = new Map<string, Promise<Base>>();

  /** @param others in whose designs a fix is tried as well */
  constructor(scenario: Scenario, others: readonly Scenario[], effort: Effort) {
    this.scenario = scenario;
    this.others = others.filter(({ name }) => name !== scenario.name);
    this.effort = effort;
  }

  async candidates(variant: string, finding: Finding): Promise<readonly Candidate[]> {
    const base = await this.base(this.scenario, variant);
    return base.isWhole ? candidatesFor(finding, base.variant, base.flow) : [];
  }

  async verify(variant: string, finding: Finding, candidate: Candidate): Promise<Fix | null> {
    const base = await this.base(this.scenario, variant);
    const { edits, kind, says, size } = candidate;
    const own = await this.outcome(base, edits, finding);
    if (!own.holds || own.left.has(nameOf(finding))) return null;
    const verified = [own.verified];
    const broken: Broken[] = [];
    const others = isOfOneScenario(edits, base) ? [] : this.others;
    const designs = [
      ...(await this.designsThatRun([this.scenario], edits, base)),
      ...(await this.designsThatRun(others, edits, base)),
    ];
    for (const other of designs) {
      const there = await this.outcome(other, edits);
      if (there.holds) verified.push(there.verified);
      else {
        broken.push({ scenario: other.scenario.name, variant: other.name, why: there.why });
        // One is enough to know that it is no fix there.
        break;
      }
    }
    const findings = await base.findings();
    return {
      kind,
      says,
      size: Math.ceil(size),
      verified,
      broken,
      mends: findings.first.filter((one) => !own.left.has(nameOf(one))).map(({ id }) => id),
      addsOrders: [...own.orders].filter((order) => !base.orders.has(order)).toSorted(),
      steps: await beforeAndAfter(base.variant, edits, finding.threads, base.flow.sites),
    };
  }

  private base(scenario: Scenario, name: string): Promise<Base> {
    const key = `${scenario.name}/${name}`;
    const known = this.bases.get(key) ?? baseOf(scenario, name, this.effort);
    this.bases.set(key, known);
    return known;
  }

  /** @param mends what is to be gone with it: most candidates go no further than a look at the states */
  private async outcome(base: Base, edits: readonly Edit[], mends: Finding | null = null): Promise<Outcome> {
    const no = (why: string): Outcome => ({ holds: false, why });
    if (!base.isWhole) return no('it was not explored as a whole');
    try {
      const variant = editVariant(base.variant, edits);
      const { program, cut: tooFar, faults, races } = await exploreDesign(variant, this.effort);
      if (tooFar !== null) return no(`its search was cut: ${tooFar}`);
      const worse = [...faults].find(([key]) => !base.faults.has(key))?.[1];
      if (worse !== undefined) return no(`${worse.object}: ${worse.text}`);
      if (mends !== null && !OF_WHOLE_RUNS.includes(mends.kind) && faults.size >= base.faults.size)
        return no('all that was found still is');
      const raced = [...races].find((object) => !base.races.has(object));
      if (raced !== undefined) return no(`${raced}: a data race`);
      const got = whatCallersGet(program);
      const missed = [...base.got].find((what) => !got.has(what));
      if (missed !== undefined) return no(`never again: ${missed}`);
      const otherwise = await comesOutOtherwise(base.variant, variant);
      if (otherwise !== null) return no(otherwise);
      const variants: Scenario['variants'] = { ...base.scenario.variants, [base.name]: variant };
      const { findings, consequences, states, cut, sometimes } = await checkDesign(
        { ...base.scenario, variants },
        base.name,
        this.effort,
      );
      if (cut !== null) return no(`its search was cut: ${cut}`);
      const before = await base.findings();
      const first = findings.filter((one) => !isNoClaim(one));
      const fresh =
        first.find((one) => !before.names.has(nameOf(one))) ?? consequences.find((one) => !before.any.has(nameOf(one)));
      if (fresh !== undefined) return no(fresh.message);
      const unreached = sometimes.filter(({ reached }) => !reached).map(({ name }) => name);
      return {
        holds: true,
        verified: { scenario: base.scenario.name, variant: base.name, states, unreached },
        left: new Set(first.map(nameOf)),
        orders: ordersIn(program),
      };
    } catch (error) {
      if (error instanceof ModelError) return no(error.message);
      throw error;
    }
  }

  /** The designs that come by where the code is changed. */
  private async designsThatRun(scenarios: readonly Scenario[], edits: readonly Edit[], but: Base): Promise<readonly Base[]> {
    const places = placesOf(edits);
    const designs: Base[] = [];
    for (const scenario of scenarios)
      for (const name of Object.keys(scenario.variants)) {
        if (scenario === but.scenario && name === but.name) continue;
        const other = await this.base(scenario, name);
        if (places.some((key) => other.flow.sites.all.has(key))) designs.push(other);
      }
    return designs.toSorted((a, b) => a.flow.passages.length - b.flow.passages.length);
  }
}

const placesOf = (edits: readonly Edit[]): readonly string[] =>
  edits.flatMap((edit) => (edit.kind === 'hold' ? [edit.from] : edit.at));

/** Code that stands in the file of a scenario is run by no other. */
const scenarioFile = /(^|\/)scenarios\/(?!.*\/setup\/)/;

const isOfOneScenario = (edits: readonly Edit[], { flow }: Base): boolean =>
  placesOf(edits).every((key) => {
    const site = flow.sites.all.get(key);
    return site !== undefined && scenarioFile.test(site.place.file);
  });
