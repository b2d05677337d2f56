/** `interlock list`: what there is to check, and what each variant expects. */
import type { Scenario, Variant } from '../../model/scenario.ts';
import { listJson } from '../../reporters/json.ts';
import { count, type Paint, wrap } from '../../reporters/layout.ts';
import { spellExpectation } from '../../reporters/text.ts';
import { complain } from '../complaint.ts';
import { type ExitCode, worst } from '../exit.ts';
import { type Selected, select, type Wanted } from '../select.ts';
import type { Terminal } from '../terminal.ts';

export interface ListCommand {
  /** Only which id is covered where. */
  readonly ids: boolean;
  readonly json: boolean;
}

export async function list(terminal: Terminal, wanted: Wanted, { ids, json }: ListCommand): Promise<ExitCode> {
  const { listed, faults } = await select(wanted);
  if (json) terminal.print([JSON.stringify(listJson(listed.map(({ scenario, variants }) => only(scenario, variants))), null, 2)]);
  else if (ids) terminal.print(coverOf(listed.map(({ scenario }) => scenario)));
  else if (listed.length === 0 && faults.length === 0) terminal.print(['There is no scenario.']);
  else terminal.print(listed.flatMap((each, i) => [...(i === 0 ? [] : ['']), ...entry(each, terminal.paint)]));
  return worst(faults.map((fault) => complain(terminal, fault)));
}

/** A line for each id and scenario, however long: it is for grep, too. Letters first, then numbers as numbers. */
function coverOf(scenarios: readonly Scenario[]): readonly string[] {
  const pairs = scenarios.flatMap(({ covers, name, summary }) => covers.map((id) => ({ id, name, summary }))).toSorted(byId);
  if (pairs.length === 0) return ['No scenario covers an id.'];
  const [idWidth, nameWidth] = [Math.max(...pairs.map(({ id }) => id.length)), Math.max(...pairs.map(({ name }) => name.length))];
  return pairs.map(({ id, name, summary }, i) => {
    const shown = pairs[i - 1]?.id === id ? '' : id;
    return `${shown.padEnd(idWidth)}  ${name.padEnd(nameWidth)}  ${summary}`.trimEnd();
  });
}

const collator = new Intl.Collator('en', { numeric: true });
const byId = (a: { readonly id: string; readonly name: string }, b: { readonly id: string; readonly name: string }): number =>
  collator.compare(a.id, b.id) || collator.compare(a.name, b.name);

type Entry = Selected['listed'][number];

const only = (scenario: Entry['scenario'], variants: readonly string[]): Entry['scenario'] => ({
  ...scenario,
  variants: Object.fromEntries(Object.entries(scenario.variants).filter(([name]) => variants.includes(name))),
});

function entry({ scenario, variants }: Entry, paint: Paint): readonly string[] {
  const { name, tags, covers, summary, source } = scenario;
  const labels = [...tags, ...covers];
  const longest = Math.max(0, ...variants.map((variant) => variant.length));
  return [
    `${paint.strong(name)}${labels.length === 0 ? '' : `  [${labels.join(', ')}]`}`,
    ...wrap(summary, '  '),
    ...wrap(`from: ${source}`, '  ', '        '),
    ...variants.flatMap((variant) => {
      const begin = `  ${variant.padEnd(Math.min(30, longest))}  `;
      return wrap(expected(scenario.variants[variant]), begin, ' '.repeat(begin.length + 2));
    }),
  ];
}

function expected(variant: Variant | undefined): string {
  const { expect = [], leadsTo = [] } = variant ?? {};
  const after = leadsTo.length === 0 ? '' : `, then ${leadsTo.map(spellExpectation).join('; ')}`;
  return expect.length === 0 ? 'clean' : `${count(expect.length, 'finding')}: ${expect.map(spellExpectation).join('; ')}${after}`;
}
