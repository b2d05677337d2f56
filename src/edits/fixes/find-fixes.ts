/**
 * Fixes for a finding: each candidate is put into the code and every design of the scenario in which that code runs is
 * explored again, with all that a check looks for. It holds if the finding is gone, nothing has come that was not there
 * before, callers still get what they got, and no bound has cut the search.
 */
import type { Kind } from '../../../machines/object.ts';
import type { Finding } from '../../check/finding.ts';
import { lockEdges } from '../../locks/lock-edges.ts';
import { ModelError } from '../../model/errors.ts';
import { editVariant } from '../../model/edit-variant.ts';
import type { Scenario, Variant } from '../../model/scenario.ts';
import type { Program } from '../../tables/program.ts';
import { Flow } from '../flow.ts';
import { beforeAndAfter } from './before-after.ts';
import type { Candidate } from './candidate.ts';
import { candidatesFor } from './candidates.ts';
import { checkDesign, edited, type Effort, exploreDesign, isNoClaim, nameOf, whatCallersGet } from './design.ts';
import type { Fix, FixSearch, Verified } from './fix.ts';

/** Kinds that no state shows by itself. */
const OF_WHOLE_RUNS: readonly Kind[] = ['starvation', 'hung-task', 'lock-order', 'non-serialisable'];

/** The design as it stands. */
interface Base {
  readonly name: string;
  readonly variant: Variant;
  readonly program: Program;
  readonly flow: Flow;
  readonly isWhole: boolean;
  readonly faults: ReadonlySet<string>;
  readonly findings: readonly Finding[];
  /** Findings that come first on some run, and those with what comes after them. */
  readonly first: ReadonlySet<string>;
  readonly any: ReadonlySet<string>;
  readonly got: ReadonlySet<string>;
  readonly orders: ReadonlySet<string>;
}

/** The designs of a scenario, looked at once for all the fixes that are tried. */
export class Fixer {
  private readonly scenario: Scenario;
  private readonly effort: Effort;
  private readonly bases = new Map<string, Promise<Base>>();

  constructor(scenario: Scenario, effort: Effort) {
    this.scenario = scenario;
    this.effort = effort;
  }

  /** @param onTried told after each candidate how many there are */
  async find(variant: string, finding: Finding, most: number, onTried: (tried: number, of: number) => void = () => {}): Promise<FixSearch> {
    const base = await this.base(variant);
    const candidates = candidatesFor(finding, base.variant, base.flow);
    const fixes: Fix[] = [];
    const mended = new Set<string>();
    let tried = 0;
    for (const candidate of candidates) {
      if (fixes.length >= most || this.effort.reason() !== null) break;
      if (!mended.has(candidate.group)) {
        const fix = await this.verify(base, finding, candidate);
        if (fix !== null) {
          fixes.push(fix);
          mended.add(candidate.group);
        }
      }
      onTried(++tried, candidates.length);
    }
    const ranked = fixes.toSorted((a, b) => Math.ceil(a.size) - Math.ceil(b.size) || a.addsOrders.length - b.addsOrders.length);
    return { variant, finding: finding.id, message: finding.message, fixes: ranked, tried, stopped: this.effort.reason() };
  }

  private base(name: string): Promise<Base> {
    const known = this.bases.get(name) ?? this.lookAt(name);
    this.bases.set(name, known);
    return known;
  }

  private async lookAt(name: string): Promise<Base> {
    const variant = this.scenario.variants[name] as Variant;
    const { program, searched, faults } = await exploreDesign(variant, this.effort);
    const { findings, consequences, exhaustive } = await checkDesign(this.scenario, name, this.effort);
    const first = findings.filter((one) => !isNoClaim(one));
    return {
      name,
      variant,
      program,
      flow: new Flow(program),
      isWhole: exhaustive && searched.found.cut === null,
      faults,
      findings: first,
      first: new Set(first.map(nameOf)),
      any: new Set([...first, ...consequences].map(nameOf)),
      got: whatCallersGet(program),
      orders: ordersIn(program),
    };
  }

  private async verify(base: Base, finding: Finding, candidate: Candidate): Promise<Fix | null> {
    try {
      if (!(await this.isWorthIt(base, finding, candidate))) return null;
      const own = await this.holdsIn(base, candidate, nameOf(finding));
      if (own === null) return null;
      const verified: Verified[] = [own.verified];
      for (const other of await this.others(base, candidate)) {
        const there = await this.holdsIn(other, candidate, null);
        if (there === null) return null;
        verified.push(there.verified);
      }
      const { kind, says, size } = candidate;
      const steps = await beforeAndAfter(base.variant, candidate.edits, finding);
      return { kind, says, size: Math.ceil(size), verified, mends: own.mends, addsOrders: own.addsOrders, steps };
    } catch (error) {
      if (error instanceof ModelError) return null;
      throw error;
    }
  }

  /** A look at the states alone: most candidates go no further. */
  private async isWorthIt(base: Base, { kind }: Finding, { edits }: Candidate): Promise<boolean> {
    const { searched, faults } = await exploreDesign(editVariant(base.variant, edits), this.effort);
    if (searched.found.cut !== null || [...faults].some((key) => !base.faults.has(key))) return false;
    return OF_WHOLE_RUNS.includes(kind) || faults.size < base.faults.size;
  }

  /** @param gone the name of the finding that is to be gone; null where nothing has to be better */
  private async holdsIn(
    base: Base,
    { edits }: Candidate,
    gone: string | null,
  ): Promise<{ readonly verified: Verified; readonly mends: readonly string[]; readonly addsOrders: readonly string[] } | null> {
    if (!base.isWhole) return null;
    const scenario = edited(this.scenario, base.name, edits);
    const result = await checkDesign(scenario, base.name, this.effort);
    const findings = result.findings.filter((one) => !isNoClaim(one));
    const names = new Set(findings.map(nameOf));
    if (!result.exhaustive || (gone !== null && names.has(gone))) return null;
    if ([...names].some((name) => !base.first.has(name))) return null;
    if (result.consequences.some((one) => !base.any.has(nameOf(one)))) return null;
    const { program } = await exploreDesign(scenario.variants[base.name] as Variant, this.effort);
    const got = whatCallersGet(program);
    if ([...base.got].some((what) => !got.has(what))) return null;
    return {
      verified: {
        variant: base.name,
        states: result.states,
        unreached: result.sometimes.filter(({ reached }) => !reached).map(({ name }) => name),
      },
      mends: base.findings.filter((one) => !names.has(nameOf(one))).map(({ id }) => id),
      addsOrders: [...ordersIn(program)].filter((order) => !base.orders.has(order)).toSorted(),
    };
  }

  /** The other designs that run the code in question. */
  private async others(base: Base, { edits }: Candidate): Promise<readonly Base[]> {
    const sites = new Set(edits.flatMap((edit) => [('from' in edit ? [edit.from] : typeof edit.at === 'string' ? [edit.at] : edit.at)].flat()));
    const others: Base[] = [];
    for (const name of Object.keys(this.scenario.variants)) {
      if (name === base.name) continue;
      const other = await this.base(name);
      if ([...other.flow.sites.all.keys()].some((key) => sites.has(key))) others.push(other);
    }
    return others;
  }
}

const ordersIn = (program: Program): ReadonlySet<string> =>
  new Set(lockEdges(program).map(({ from, to }) => `${from.name} outside ${to.name}`));
