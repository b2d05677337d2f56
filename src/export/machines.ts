/** The machines of which the objects of scenarios are made, and where each is used. */
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition } from 'xstate';
import { allocation, environment, nullPage, poolSlot } from '../../machines/built-in.ts';
import type { AnyPart, Struct } from '../../machines/object.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import { stateName } from '../model/names.ts';
import type { Scenario } from '../model/scenario.ts';
import { type Chart, mermaid } from './mermaid.ts';

export interface Machine extends Chart {
  /** By struct and field, sorted. Empty for what the checker puts beside the objects of a scenario. */
  readonly parts: readonly string[];
}

export interface StructOfMachines {
  readonly name: string;
  /** Field and the name of its machine, in the order of the struct. */
  readonly fields: readonly (readonly [field: string, machine: string])[];
  /** The scenarios that have one, sorted. */
  readonly scenarios: readonly string[];
}

/** Without its chart two machines may look alike: what is loaded twice is another value, and the same machine. */
const keyOf = (machine: AnyStateMachine): string =>
  `${machine.id}\n${mermaid({ name: machine.id, machine, begins: [] }).join('\n')}`;

const structsOf = (scenario: Scenario): readonly Struct[] =>
  Object.values(scenario.variants).flatMap(({ objects }) =>
    Object.values(objects).map((object) => ('pool' in object ? object.pool : object)),
  );

/** Sorted by name; those of the checker itself come last. */
export function machinesOf(scenarios: readonly Scenario[]): readonly Machine[] {
  const used = scenarios
    .flatMap(structsOf)
    .flatMap(({ name, parts }) => Object.entries(parts).map(([field, part]) => ({ part, at: `${name}.${field}` })));
  const own = [allocation('object'), poolSlot('object'), nullPage, environment].map((part) => ({ part, at: null }));
  return [...collected(used).toSorted(byName), ...collected(own)];
}

function collected(uses: readonly { readonly part: AnyPart; readonly at: string | null }[]): readonly Machine[] {
  const found = new Map<string, { machine: AnyStateMachine; begins: Set<string>; parts: Set<string> }>();
  const keys = new Map<AnyStateMachine, string>();
  for (const { part, at } of uses) {
    const { machine } = part;
    const key = keys.get(machine) ?? keyOf(machine);
    keys.set(machine, key);
    const entry = found.get(key) ?? { machine, begins: new Set(), parts: new Set() };
    found.set(key, entry);
    entry.begins.add(beginningOf(part, at));
    if (at !== null) entry.parts.add(at);
  }
  return [...found.values()].map(({ machine, begins, parts }) => ({
    name: machine.id,
    machine,
    begins: [...begins].toSorted(),
    parts: [...parts].toSorted(),
  }));
}

function beginningOf({ machine, input }: AnyPart, at: string | null): string {
  try {
    const [snapshot] = initialTransition(machine, input) as unknown as readonly [AnyMachineSnapshot];
    const name = stateName(snapshot.value);
    return name === '{}' ? '' : name;
  } catch (error) {
    throw new ModelError(
      `"${at ?? machine.id}": machine "${machine.id}" does not start: ${messageOf(error)}`,
      'mend the machine',
    );
  }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** Structs of one name and other fields are those of another kernel, and stay apart. */
export function structsIn(scenarios: readonly Scenario[]): readonly StructOfMachines[] {
  const found = new Map<string, { name: string; fields: StructOfMachines['fields']; scenarios: Set<string> }>();
  for (const scenario of scenarios)
    for (const { name, parts } of structsOf(scenario)) {
      const fields = Object.entries(parts).map(([field, { machine }]) => [field, machine.id] as const);
      const key = JSON.stringify([name, fields]);
      const entry = found.get(key) ?? { name, fields, scenarios: new Set() };
      found.set(key, entry);
      entry.scenarios.add(scenario.name);
    }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { scenarios: used, ...struct }]) => ({ ...struct, scenarios: [...used].toSorted() }));
}

/** @throws ModelError if there is none of that name, or several: what stands behind `@` may be left out while it is clear. */
export function machineNamed(machines: readonly Machine[], name: string, structs: readonly StructOfMachines[]): Machine {
  const exact = machines.filter((machine) => machine.name === name);
  const [first, ...others] = exact.length > 0 ? exact : machines.filter((machine) => machine.name.split('@')[0] === name);
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined)
    throw new ModelError(
      `Several machines have the name "${name}"`,
      `choose ${[first, ...others].map((machine) => machine.name).join(' or ')}`,
    );
  const struct = structs.find((one) => one.name === name);
  if (struct !== undefined)
    throw new ModelError(
      `"${name}" is a struct, and no machine: its parts are`,
      `choose one of them: ${[...new Set(struct.fields.map(([, machine]) => machine))].join(', ')}`,
    );
  const names = machines.map((machine) => machine.name);
  const near = nearest(name, names);
  throw new ModelError(
    `There is no machine "${name}"`,
    near === null ? `there are ${names.join(', ')}` : `did you mean "${near}"?`,
  );
}
