/**
 * A design with one line of it undone: what a fix is clean because of, it is not clean without.
 *
 * The line is a step by its event and the C function that it stands in; where a function has several, by its C text, too.
 * A lock that is not taken is not released either. What tells the code something is answered as if it had gone well, or
 * with `reply`.
 */
import type { Json } from '../../machines/object.ts';
import { type Site, Sites } from '../../src/edits/sites.ts';
import { type CheckResult, checkVariant, type Scenario } from '../../src/index.ts';
import type { Edit } from '../../src/model/edit.ts';
import { editVariant } from '../../src/model/edit-variant.ts';
import { plain } from './searches.ts';

export interface Line {
  readonly event: string;
  readonly in: string;
  /** What its C text contains. */
  readonly c?: string;
  readonly reply?: Json;
}

export async function withoutLine(scenario: Scenario, name: string, ...lines: readonly Line[]): Promise<CheckResult> {
  const design = scenario.variants[name];
  if (design === undefined) throw new RangeError(`${scenario.name} has no variant ${name}`);
  const sites = [...new Sites(plain(design).program).all.values()];
  const undone = editVariant(
    design,
    lines.map((line) => drop(sites, line)),
  );
  return await checkVariant({ ...scenario, variants: { [name]: undone } }, name, { maxStates: 2_000_000 });
}

function drop(sites: readonly Site[], line: Line): Edit {
  const found = sites.filter(
    (site) => site.event === line.event && site.function === line.in && (line.c === undefined || site.c.includes(line.c)),
  );
  if (found.length === 0)
    throw new RangeError(`no such line among ${sites.map((site) => `${site.function}: ${site.event}: ${site.c}`).join('\n')}`);
  const { reply } = line;
  return { kind: 'drop', at: found.map(({ key }) => key), ...(reply === undefined ? {} : { reply }) };
}
