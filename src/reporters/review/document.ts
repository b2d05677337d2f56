/**
 * The design review of a scenario's locking, as a document that one would attach to a patch: the answer first, then how
 * it breaks, what would mend it, and which lock is for what.
 */
import type { CheckResult } from '../../check/check.ts';
import type { Block, Document } from '../../document/document.ts';
import type { LoadBearing } from '../../edits/element.ts';
import type { FixSearch } from '../../edits/fixes/fix.ts';
import type { Scenario } from '../../model/scenario.ts';
import { findingBlocks, withCode } from '../finding-document.ts';
import { nameFinding } from '../finding-text.ts';
import { ascii, count, listed, plain } from '../layout.ts';
import type { PlaceOf } from '../places.ts';
import { claim, outcomeText } from '../verdict.ts';
import { answer, type Results, shownBy } from './answer.ts';
import { asBefore, bullets, paragraph, type Told } from './as-before.ts';
import { fixBlocks } from './fixes.ts';
import { assertions, guardedByBlocks, toldOfFields } from './guarded-by.ts';
import { lockOrderBlocks, orderClause } from './lock-order.ts';
import { loadBearingBlocks } from './load-bearing.ts';
import { contention, lockBlocks, lockEntry, toldOfLocks } from './locks.ts';
import { at, code } from './spell.ts';
import type { Finding } from '../../check/finding.ts';
import type { LockOrder } from '../../review/lock-order.ts';
import type { Locking } from '../../review/locking.ts';

/** Sections that other parts of the review write, where they have anything to say. */
export interface Plugged {
  /** Small changes that were tried and verified. */
  readonly fixes?: readonly FixSearch[];
  /** What breaks without each lock, reference and check. */
  readonly loadBearing?: LoadBearing;
}

export interface Reviewed {
  readonly scenario: Scenario;
  /** By which the command line finds it: its name, or its file. */
  readonly word: string;
  /** By variant, in the order of the scenario. */
  readonly results: Results;
  readonly plugged: Plugged;
}

/** Several reviews in one document: what was a chapter becomes a section. */
export function reviewOfAll(documents: readonly Document[]): Document {
  const [only, ...others] = documents;
  if (only !== undefined && others.length === 0) return only;
  return {
    title: `Locking review of ${count(documents.length, 'scenario')}`,
    blocks: documents.flatMap(({ title, blocks }): readonly Block[] => [
      { kind: 'heading', level: 1, text: title },
      ...blocks.map((block): Block => (block.kind === 'heading' ? { ...block, level: block.level === 1 ? 2 : 3 } : block)),
    ]),
  };
}

export function reviewDocument({ scenario, word, results, plugged }: Reviewed, placeOf: PlaceOf): Document {
  const lockings = new Map([...results].flatMap(([name, { locking }]) => (locking === undefined ? [] : [[name, locking]])));
  return {
    title: `Locking review: ${scenario.name}`,
    blocks: [
      paragraph(answer(scenario, results)),
      paragraph(`About: ${scenario.source}. ${scenario.summary}.`),
      ...section('How it breaks', [
        ...drawn(scenario, results).flatMap((each) => breaks(each, word, placeOf)),
        ...notDrawn(scenario, results, word),
      ]),
      ...section('What would mend it', plugged.fixes === undefined ? [] : fixBlocks(plugged.fixes, scenario)),
      ...section('What was done instead', merged(scenario, results)),
      ...section('Verdicts', verdicts(results)),
      ...section('Guarded by', guardedBy(lockings, placeOf)),
      ...section('Lock order', lockOrders(lockings, placeOf)),
      ...section('Locks', locks(lockings)),
      ...section('What is load-bearing', plugged.loadBearing === undefined ? [] : loadBearingBlocks(plugged.loadBearing)),
      ...section('What this rests on', [paragraph(basis(results))]),
    ],
  };
}

const section = (text: string, blocks: readonly Block[]): readonly Block[] =>
  blocks.length === 0 ? [] : [{ kind: 'heading', level: 1, text }, ...blocks];

const perVariant = (variant: string, blocks: readonly Block[]): readonly Block[] => [
  { kind: 'heading', level: 2, text: code(variant) },
  ...blocks,
];

interface Drawn {
  readonly result: CheckResult;
  readonly finding: Finding;
}

/** The findings that answer the question; where none was asked, the first of each variant. */
export function drawn({ question }: Scenario, results: Results): readonly Drawn[] {
  if (question === undefined)
    return [...results.values()].flatMap((result) => result.findings.slice(0, 1).map((finding) => ({ result, finding })));
  return question.answeredBy.flatMap((ask) => {
    const result = results.get(ask.variant);
    if (result === undefined) return [];
    const finding = shownBy(ask, result);
    return finding === undefined ? [] : [{ result, finding }];
  });
}

function breaks({ result, finding }: Drawn, word: string, placeOf: PlaceOf): readonly Block[] {
  const { scenario, variant } = result;
  const assumes = scenario.variants[variant]?.assumes ?? scenario.assumes;
  return [
    paragraph(`In ${code(variant)}${assumes === undefined ? ':' : `, which assumes this: ${withCode(assumes)}`}`),
    ...findingBlocks(finding, { allSteps: false, placeOf: null, replay: null }),
    ...racing(finding, placeOf),
    paragraph(`\`npx interlock check ${word} --variant ${variant}\` writes the schedule of \`${finding.id}\`.`),
  ];
}

/** What is found and not drawn here is not passed over. */
function notDrawn(scenario: Scenario, results: Results, word: string): readonly Block[] {
  const shown = new Set(drawn(scenario, results).map(({ finding }) => finding));
  const others = [...results].flatMap(([name, { findings }]) => {
    const left = findings.filter((finding) => !shown.has(finding)).length;
    return left === 0 ? [] : [`${left} of ${code(name)}`];
  });
  if (others.length === 0) return [];
  return [paragraph(`Not drawn here are other findings: ${listed(others)}. \`npx interlock check ${word}\` draws them.`)];
}

/** Where the racing steps stand in the model. */
function racing({ trace, pair }: Finding, placeOf: PlaceOf): readonly Block[] {
  const steps = (trace?.steps ?? []).filter(({ index }) => pair.marked.includes(index));
  const places = steps.map((step) => `step ${step.index}, ${code(ascii(step.c))}${at(step.place, placeOf)}`);
  return places.length === 0 ? [] : [paragraph(`The steps that race: ${listed(places)}.`)];
}

function merged({ question, variants }: Scenario, results: Results): readonly Block[] {
  const name = question?.merged;
  if (name === undefined) return [];
  const result = results.get(name);
  const verdict = result === undefined ? 'It was not checked here' : claim(result);
  return [paragraph(`${variants[name]?.summary ?? code(name)} ${verdict} (${code(name)}).`)];
}

function verdicts(results: Results): readonly Block[] {
  const rows = [...results].map(([name, result]) => [
    code(name),
    `${claim(result)}; ${outcomeText(result.outcome, plain)}`,
    result.scenario.variants[name]?.summary ?? '',
  ]);
  const head = ['variant', 'verdict', 'what it is'].slice(0, rows.some(([, , summary]) => summary !== '') ? 3 : 2);
  const findings = [...results].flatMap(([name, result]) =>
    result.findings.map(
      (finding) => `${code(name)}: ${withCode(nameFinding(finding))} (${finding.expected ? 'expected' : 'UNEXPECTED'}).`,
    ),
  );
  return [
    { kind: 'table', head, rows: rows.map((row) => row.slice(0, head.length)) },
    ...(findings.length === 0 ? [] : [paragraph('Findings:'), ...bullets(findings)]),
  ];
}

type Lockings = ReadonlyMap<string, Locking>;

function guardedBy(lockings: Lockings, placeOf: PlaceOf): readonly Block[] {
  if (lockings.size === 0) return [];
  const before = new Map<string, Told>();
  const sections = [...lockings].flatMap(([variant, { fields }]) => {
    const told = toldOfFields(fields, placeOf);
    const differing = asBefore(told, before);
    before.set(variant, told);
    const asserted = assertions(fields, (lock) => isShareable(lockings, lock));
    return perVariant(variant, [
      ...guardedByBlocks(fields, differing, placeOf),
      ...(differing.base !== null || asserted.length === 0
        ? []
        : [paragraph('Assertions that would hold this up:'), ...bullets(asserted)]),
    ]);
  });
  return [
    paragraph(
      'The locks that are held wherever a field is accessed while nothing has gone wrong yet. To count, it has to be the same lock, not one of its class. To write, a lock that is held shared does not count.',
    ),
    ...sections,
  ];
}

const isShareable = (lockings: Lockings, lock: string): boolean =>
  [...lockings.values()].some(({ locks: all }) => all.some((facts) => facts.lock === lock && facts.shared));

function lockOrders(lockings: Lockings, placeOf: PlaceOf): readonly Block[] {
  if ([...lockings.values()].every(({ order }) => order.edges.length === 0)) return [];
  const before = new Map<string, LockOrder>();
  return [...lockings].flatMap(([variant, { order }]) => {
    const blocks = lockOrderBlocks(variant, order, before, placeOf);
    before.set(variant, order);
    return perVariant(variant, blocks);
  });
}

function locks(lockings: Lockings): readonly Block[] {
  if ([...lockings.values()].every(({ locks: all }) => all.length === 0)) return [];
  const before = new Map<string, Told>();
  const sections = [...lockings].flatMap(([variant, locking]) => {
    const told = toldOfLocks(locking.locks);
    const differing = asBefore(told, before);
    before.set(variant, told);
    const entries = differing.base === null ? entriesOf(locking) : [];
    return perVariant(variant, [
      ...lockBlocks(locking.locks, differing),
      ...(entries.length === 0
        ? []
        : [paragraph('As entries of a document on locking:'), { kind: 'literal' as const, lines: entries }]),
    ]);
  });
  return [...contention(lockings), ...sections];
}

const entriesOf = ({ locks: all, fields, order }: Locking): readonly string[] =>
  all
    .map((facts) => lockEntry(facts, fields, orderClause(facts.lock, order)))
    .filter((lines) => lines.length > 0)
    .flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));

function basis(results: Results): string {
  const all = [...results.values()];
  const cut = all.filter((result) => result.cut !== null).map(({ variant, cut: why }) => `${code(variant)} (${why ?? ''})`);
  const kinds = [...new Set(all.flatMap(({ searched }) => searched))];
  const bounds =
    cut.length === 0 ? 'every interleaving was searched' : `cut: ${listed(cut)}; what they say of locks holds for what they met`;
  return `Interleavings of the threads that the scenario names, under sequential consistency; ${bounds}. Searched for ${listed(kinds)}. Every finding was played on the live actors. Lines are those of the model.`;
}
