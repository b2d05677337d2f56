/** The results of a check as a document: what was claimed of each variant, its findings, and what did not come. */
import type { CheckResult } from '../check/check.ts';
import type { Block, Document } from '../document/document.ts';
import { type DocumentOptions, findingBlocks, withCode } from './finding-document.ts';
import { nameFinding } from './finding-text.ts';
import { count, grouped, plain } from './layout.ts';
import { spellExpectation } from './text.ts';
import { claim, designOf, effort, limitsOf, notCompared, outcomeText } from './verdict.ts';

export interface CheckDocumentOptions extends DocumentOptions {
  /** As in the text: which findings are drawn. */
  readonly detail: 'full' | 'brief' | 'line';
}

export function checkDocument(
  results: readonly CheckResult[],
  optionsOf: (result: CheckResult) => CheckDocumentOptions,
): Document {
  const [first] = results;
  if (first !== undefined && results.length === 1)
    return { title: titleOf(first), blocks: variantBlocks(first, optionsOf(first), 1) };
  const title = `${count(results.length, 'variant')} of ${count(new Set(results.map(({ scenario }) => scenario)).size, 'scenario')}`;
  return {
    title,
    blocks: [
      overview(results),
      ...results.flatMap((result): readonly Block[] => [
        { kind: 'heading', level: 1, text: titleOf(result) },
        ...variantBlocks(result, optionsOf(result), 2),
      ]),
    ],
  };
}

const nameOf = ({ scenario, variant }: CheckResult): string => `${scenario.name}/${variant}`;
const titleOf = (result: CheckResult): string => `${nameOf(result)}: ${outcomeText(result.outcome, plain)}`;

const overview = (results: readonly CheckResult[]): Block => ({
  kind: 'table',
  head: ['variant', 'findings', 'states', 'outcome'],
  rows: results.map((result) => [
    nameOf(result),
    grouped(result.findings.length),
    grouped(result.states),
    outcomeText(result.outcome, plain),
  ]),
});

function variantBlocks(result: CheckResult, options: CheckDocumentOptions, level: 1 | 2): readonly Block[] {
  const { findings, outcome } = result;
  const { detail } = options;
  const isShort = detail === 'line' || (detail === 'brief' && outcome === 'as-expected');
  if (isShort)
    return [
      paragraph(`${claim(result)}.`),
      ...list(findings.map((finding) => `${finding.expected ? 'expected' : 'UNEXPECTED'}: ${withCode(nameFinding(finding))}`)),
      ...absent(result),
    ];
  return [
    paragraph(`${claim(result)}; ${effort(result)}.`),
    ...design(result),
    ...absent(result),
    ...findings.flatMap((finding): readonly Block[] => [
      { kind: 'heading', level, text: `Finding ${finding.id}` },
      ...findingBlocks(finding, options),
    ]),
    ...afterwards(result),
  ];
}

function design(result: CheckResult): readonly Block[] {
  const { threads, assumes, summary } = designOf(result);
  const { scenario } = result;
  return [
    paragraph(`${withCode(scenario.summary)}. Source: ${withCode(scenario.source)}.`),
    ...(summary === null ? [] : [paragraph(summary)]),
    { kind: 'table', head: ['thread', 'calls'], rows: threads.map(({ name, calls }) => [name, withCode(calls)]) },
    ...(assumes === null ? [] : [paragraph(`Assumes: ${assumes}`)]),
    ...limitsOf(result).map(paragraph),
  ];
}

/** What should have come and did not; before a cut, that proves nothing. */
function absent(result: CheckResult): readonly Block[] {
  const soFar = result.cut === null ? '' : ' before the cut';
  const unasked = notCompared(result);
  return list([
    ...(unasked === null ? [] : [unasked]),
    ...result.missing.map((expectation) => `Expected and not found${soFar}: ${withCode(spellExpectation(expectation))}.`),
    ...result.sometimes.filter(({ reached }) => !reached).map(({ name }) => `Never reached${soFar}: "${name}".`),
  ]);
}

function afterwards({ consequences }: CheckResult): readonly Block[] {
  const said = [...new Set(consequences.map(nameFinding))];
  if (said.length === 0) return [];
  return [paragraph(`${count(said.length, 'consequence')}, met only after a finding:`), ...list(said.map(withCode))];
}

const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const list = (items: readonly string[]): readonly Block[] =>
  items.length === 0 ? [] : [{ kind: 'list', ordered: false, items }];
