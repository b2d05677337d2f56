/** Which states and transitions of machines were reached, and which of them none of the scenarios reaches. */
import type { MachineCoverage, Transition } from '../coverage/machines.ts';
import type { Block } from '../document/document.ts';
import { code, heading, list, paragraph, table } from './blocks.ts';
import { listed } from './layout.ts';

export const neverEntered = ({ states, entered }: MachineCoverage): readonly string[] =>
  states.filter((state) => !entered.includes(state));

export const neverTaken = ({ transitions, taken }: MachineCoverage): readonly Transition[] =>
  transitions.filter(({ from, event, to }) => !taken.some((one) => one.from === from && one.event === event && one.to === to));

export const ofAll = (reached: number, all: number): string => (all === 0 ? '-' : `${reached} of ${all}`);

export function machineBlocks(machines: readonly MachineCoverage[]): readonly Block[] {
  const several = machines.filter(({ states }) => states.length > 1);
  return [
    heading('Machines'),
    paragraph(
      'States that an object was in, and transitions that it took: a state, an event, and where it leads. What a machine takes by a wildcard does not count.',
    ),
    table(
      ['machine', 'states', 'transitions', 'parts'],
      machines.map((machine) => [
        machine.machine,
        ofAll(machine.entered.length, machine.states.length),
        ofAll(machine.taken.length, machine.transitions.length),
        machine.parts.length > MOST_PARTS ? `${machine.parts.length} parts` : machine.parts.map(({ part }) => part).join(', '),
      ]),
    ),
    ...part('Never entered, by any object', several.filter((machine) => neverEntered(machine).length > 0).map(statesOf)),
    ...part('Never entered, by objects of one struct', several.flatMap(partsOf)),
    ...part('Never taken', machines.flatMap(transitionsOf)),
  ];
}

const MOST_PARTS = 3;

const part = (title: string, items: readonly string[]): readonly Block[] =>
  items.length === 0 ? [] : [paragraph(`${title}:`), ...list(items)];

const statesOf = (machine: MachineCoverage): string => `${code(machine.machine)}: ${neverEntered(machine).join(', ')}`;

/** Charts, and what else has names for its states: that a lock of one struct was never taken is worth to be known. */
const partsOf = ({ states, parts, entered }: MachineCoverage): readonly string[] =>
  parts.flatMap(({ part: name, entered: here }) => {
    const missed = states.filter((state) => entered.includes(state) && !here.includes(state));
    return missed.length === 0 ? [] : [`${code(name)}: ${missed.join(', ')}`];
  });

/** One line for each state: events, and where they lead if it is elsewhere. */
function transitionsOf(machine: MachineCoverage): readonly string[] {
  const missed = neverTaken(machine);
  const froms = [...new Set(missed.map(({ from }) => from))];
  return froms.map((from) => {
    const events = missed.filter((one) => one.from === from).map(({ event, to }) => (to === from ? event : `${event} -> ${to}`));
    const where = machine.states.length === 1 ? '' : ` in ${from}`;
    return `${code(machine.machine)}${where}: ${listed(events)}`;
  });
}
