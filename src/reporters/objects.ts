/** The page of all objects: which struct is made of which machines, and the chart of each. */
import type { Block, Document } from '../document/document.ts';
import type { Machine, StructOfMachines } from '../export/machines.ts';
import { mermaid } from '../export/mermaid.ts';

export function objectsPage(structs: readonly StructOfMachines[], machines: readonly Machine[]): Document {
  return {
    title: 'Objects',
    blocks: [
      {
        kind: 'paragraph',
        text:
          'What kernel code works on: structs of parts, each part a machine with a state of its own. Structs of one name ' +
          'and other fields are those of different kernels.',
      },
      { kind: 'heading', level: 1, text: 'Structs' },
      {
        kind: 'list',
        ordered: false,
        items: structs.map(
          ({ name, fields, scenarios }) =>
            `\`${name}\`, of ${usedIn(scenarios)}: ${fields.map(([field, machine]) => `\`${field}\` ${machine}`).join(', ')}`,
        ),
      },
      { kind: 'heading', level: 1, text: 'Machines' },
      {
        kind: 'paragraph',
        text:
          'An arrow is a transition; what a state takes without leaving it stands within. A label is the event, its guard in ' +
          'brackets, what is answered after a slash, and what the kernel would print after an exclamation mark.',
      },
      ...machines.flatMap(section),
    ],
  };
}

const usedIn = ([first = '', ...others]: readonly string[]): string =>
  others.length === 0 ? first : `${first} and ${others.length} more`;

const section = (machine: Machine): readonly Block[] => [
  { kind: 'heading', level: 2, text: machine.name },
  {
    kind: 'paragraph',
    text:
      machine.parts.length === 0
        ? 'Put beside the objects of a scenario by the checker.'
        : `It is ${machine.parts.map((part) => `\`${part}\``).join(', ')}.`,
  },
  { kind: 'literal', language: 'mermaid', lines: mermaid(machine) },
];
