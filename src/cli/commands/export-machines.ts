/** `interlock export --format mermaid`: the charts of the machines that the objects of scenarios are made of. */
import { asMarkdown } from '../../document/markdown.ts';
import { machineNamed, machinesOf, structsIn } from '../../export/machines.ts';
import { mermaid } from '../../export/mermaid.ts';
import { objectsPage } from '../../reporters/objects.ts';
import { count } from '../../reporters/layout.ts';
import { complain } from '../complaint.ts';
import { EXIT, type ExitCode, worst } from '../exit.ts';
import { select } from '../select.ts';
import type { Terminal } from '../terminal.ts';
import { writeOutput } from '../write-output.ts';

export interface MachinesCommand {
  /** Null for all of them, as a page. */
  readonly machine: string | null;
  /** Null for stdout. */
  readonly output: string | null;
}

/** @throws ModelError if there is no such scenario or machine, or the file cannot be written */
export async function exportMachines(
  terminal: Terminal,
  word: string | null,
  { machine, output }: MachinesCommand,
): Promise<ExitCode> {
  const { listed, faults } = await select({ scenarios: word === null ? [] : [word], tags: [], variants: [] });
  const scenarios = listed.map(({ scenario }) => scenario);
  const structs = structsIn(scenarios);
  const machines = machinesOf(scenarios);
  const text =
    machine === null
      ? asMarkdown(objectsPage(structs, machines))
      : `${mermaid(machineNamed(machines, machine, structs)).join('\n')}\n`;
  if (output === null) terminal.print([text.trimEnd()]);
  else {
    writeOutput(output, text);
    const what = machine ?? `${count(machines.length, 'machine')} of ${count(structs.length, 'struct')}`;
    terminal.print([`${output}: ${what}`]);
  }
  return worst([EXIT.asExpected, ...faults.map((fault) => complain(terminal, fault))]);
}
