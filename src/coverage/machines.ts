/**
 * Of each machine the states that it was in and the transitions that it took, against those that it is written with.
 *
 * A transition is a state, an event, and the state to which it leads: guards that lead to the same state are one. What a
 * machine takes by a wildcard is left out, for nobody has listed it; so are states in which it never rests.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { stateName } from '../model/names.ts';
import type { Slot, World } from '../model/world.ts';
import { cellOf, numbersIn, type Visits } from './visits.ts';

export interface Transition {
  readonly from: string;
  readonly event: string;
  readonly to: string;
}

export interface MachineCoverage {
  readonly machine: string;
  /** Where it is used: struct and field. */
  readonly parts: readonly PartCoverage[];
  /** As it is written, sorted. */
  readonly states: readonly string[];
  readonly transitions: readonly Transition[];
  /** Those that it was in and took, sorted. */
  readonly entered: readonly string[];
  readonly taken: readonly Transition[];
}

export interface PartCoverage {
  readonly part: string;
  readonly entered: readonly string[];
}

/** A machine without states rests in this one. */
export const ONLY_STATE = '(one state)';

const nameOf = (value: unknown): string => (stateName(value) === '{}' ? ONLY_STATE : stateName(value));

type Node = AnyStateMachine['root'];

const leavesOf = (node: Node): readonly Node[] => {
  const below = Object.values(node.states);
  return below.length === 0 ? [node] : below.flatMap(leavesOf);
};

/** Eventless transitions leave at once: nobody sees the state. */
const rests = (node: Node): boolean => (node.always ?? []).length === 0;

/** As snapshots call it. Regions and states within states have no name of one word. */
const stateOf = (node: Node, root: Node): string => (node === root ? ONLY_STATE : node.path.join('.'));

function transitionsOf(leaf: Node, root: Node): readonly Transition[] {
  const from = stateOf(leaf, root);
  const known = new Map<string, Transition>();
  const handled = new Set<string>();
  for (let node: Node | undefined = leaf; node !== undefined; node = node.parent) {
    for (const [event, candidates] of node.transitions) {
      if (event === '*' || event === '' || handled.has(event)) continue;
      for (const { target } of candidates) {
        const to = target?.[0] === undefined ? from : stateOf(target[0], root);
        known.set(`${event} ${to}`, { from, event, to });
      }
    }
    // What the state handles itself does not come to those around it.
    for (const event of node.transitions.keys()) handled.add(event);
  }
  return [...known.values()];
}

/** What a machine is written with. */
export function definitionOf({ root }: AnyStateMachine): Pick<MachineCoverage, 'states' | 'transitions'> {
  const leaves = leavesOf(root).filter(rests);
  return {
    states: leaves.map((leaf) => stateOf(leaf, root)).toSorted(),
    transitions: leaves.flatMap((leaf) => transitionsOf(leaf, root)).toSorted(byText),
  };
}

export function byText(a: object, b: object): number {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

export function machinesIn(visits: Visits): readonly MachineCoverage[] {
  const { world, tables } = visits.program;
  const own = world.slots.filter((slot) => !isBuiltIn(slot));
  const byMachine = [...new Set(own.map(({ index }) => tables[index]))].map((table) =>
    own.filter(({ index }) => tables[index] === table),
  );
  return byMachine.map((slots) => {
    const machine = slots[0]?.part.machine as AnyStateMachine;
    const parts = new Map<string, Set<string>>();
    const taken = new Map<string, Transition>();
    for (const { index, path } of slots) {
      const part = partOf(world, path);
      const entered = parts.get(part) ?? new Set();
      parts.set(part, entered);
      for (const state of enteredAt(visits, index)) entered.add(state);
      for (const transition of takenAt(visits, index)) taken.set(JSON.stringify(transition), transition);
    }
    const definition = definitionOf(machine);
    const isWritten = (one: Transition) => definition.transitions.some((other) => byText(one, other) === 0);
    return {
      machine: machine.id,
      parts: [...parts].map(([part, entered]) => ({ part, entered: [...entered].toSorted() })).toSorted(byText),
      ...definition,
      entered: [...new Set([...parts.values()].flatMap((entered) => [...entered]))].toSorted(),
      taken: [...taken.values()].filter(isWritten).toSorted(byText),
    };
  });
}

/** What the checker puts beside the objects of a scenario is no kernel object. */
const isBuiltIn = ({ path, allocation }: Slot): boolean =>
  path.endsWith('.allocation') || (allocation === null && (path === 'NULL' || path === 'environment'));

/** By struct and field: objects of one struct are covered together. */
function partOf({ instances }: World, path: string): string {
  const [object = path, ...fields] = path.split('.');
  const { struct } = instances.find(({ name }) => name === object) ?? {};
  return [struct?.name ?? object, ...fields].join('.');
}

const snapshotOf = ({ program }: Visits, slot: number, snapshot: number): AnyMachineSnapshot =>
  program.tables[slot]?.snapshots[snapshot] as AnyMachineSnapshot;

const enteredAt = (visits: Visits, slot: number): readonly string[] =>
  numbersIn(visits.snapshots[slot] ?? NONE).map((snapshot) => nameOf(snapshotOf(visits, slot, snapshot).value));

function takenAt(visits: Visits, slot: number): readonly Transition[] {
  const { program, cells } = visits;
  const { snapshots = [], events = [] } = program.tables[slot] ?? {};
  return [...snapshots.keys()].flatMap((snapshot) =>
    [...events.keys()]
      .filter((event) => cells[slot]?.[cellOf(program, slot, snapshot, event)] === 1)
      .map((event) => ({
        from: nameOf(snapshotOf(visits, slot, snapshot).value),
        event: events[event]?.type ?? '',
        to: nameOf(snapshotOf(visits, slot, program.nextOf(slot, snapshot, event)).value),
      })),
  );
}

const NONE = new Uint8Array(0);
