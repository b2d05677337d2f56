/** `interlock list`: what there is to check, and what each variant expects. */
import type { Variant } from '../../model/scenario.ts';
import { listJson } from '../../reporters/json.ts';
import { count, type Paint, wrap } from '../../reporters/layout.ts';
import { spellExpectation } from '../../reporters/text.ts';
import { complain } from '../complaint.ts';
import { type ExitCode, worst } from '../exit.ts';
import { type Selected, select, type Wanted } from '../select.ts';
import type { Terminal } from '../terminal.ts';

export async function list(terminal: Terminal, wanted: Wanted, { json }: { readonly json: boolean }): Promise<ExitCode> {
  const { listed, faults } = await select(wanted);
  if (json) terminal.print([JSON.stringify(listJson(listed.map(({ scenario, variants }) => only(scenario, variants))), null, 2)]);
  else if (listed.length === 0 && faults.length === 0) terminal.print(['There is no scenario.']);
  else terminal.print(listed.flatMap((each, i) => [...(i === 0 ? [] : ['']), ...entry(each, terminal.paint)]));
  return worst(faults.map((fault) => complain(terminal, fault)));
}

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
