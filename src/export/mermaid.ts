/**
 * The chart of a machine, drawn from the machine itself as a state diagram of Mermaid.
 *
 * An arrow is a transition that leads to another state; within a state stands what it takes and stays, as UML writes
 * internal transitions. A label is the event, the guard in brackets, `/` and what is answered, `!` and what the kernel would
 * print. What a state leaves to the states around it is written in each. States in which the machine never rests are not
 * drawn: an arrow from the start leads to each state in which an allocation leaves it.
 */
import type { AnyStateMachine } from 'xstate';
import type { Splat } from '../../machines/object.ts';

type Node = AnyStateMachine['root'];
type Transition = Node['transitions'] extends ReadonlyMap<string, readonly (infer T)[]> ? T : never;

export interface Chart {
  /** As the machine calls itself. */
  readonly name: string;
  readonly machine: AnyStateMachine;
  /** The states in which the parts that are this machine begin, as snapshots call them. */
  readonly begins: readonly string[];
}

export function mermaid({ name, machine, begins }: Chart): readonly string[] {
  const leaves = leavesOf(machine.root).filter(rests);
  return [
    'stateDiagram-v2',
    ...leaves.map((leaf) => declared(leaf, name)),
    ...leaves.filter((leaf) => begins.includes(pathOf(leaf))).map((leaf) => `  [*] --> ${idOf(leaf, name)}`),
    ...leaves.flatMap((leaf) => [
      ...takenIn(leaf).flatMap(({ to, label }) =>
        to === null ? [] : [`  ${idOf(leaf, name)} --> ${idOf(to, name)} : ${label}`],
      ),
      ...takenIn(leaf).flatMap(({ to, label }) => (to === null ? [`  ${idOf(leaf, name)} : ${label}`] : [])),
    ]),
  ];
}

const leavesOf = (node: Node): readonly Node[] => {
  const below = Object.values(node.states);
  return below.length === 0 ? [node] : below.flatMap(leavesOf);
};

/** Eventless transitions leave at once: nobody sees the state. */
const rests = (node: Node): boolean => (node.always ?? []).length === 0;

/** As the value of a snapshot is written; that of a machine without states is empty. */
const pathOf = (node: Node): string => node.path.join('.');
const titleOf = (node: Node, machine: string): string => (node.path.length === 0 ? machine : pathOf(node));

/** Words that mean something else at the beginning of a line. */
const RESERVED = new Set(['state', 'note', 'end', 'class', 'style', 'direction', 'default', 'as', 'click', 'hide', 'scale']);
function idOf(node: Node, machine: string): string {
  const id = titleOf(node, machine).replace(/\W/g, '_');
  return RESERVED.has(id) ? `${id}_` : id;
}
/** Undeclared, a state would be headed by the first that stands within. */
const declared = (leaf: Node, name: string): string => `  state "${titleOf(leaf, name)}" as ${idOf(leaf, name)}`;

interface Taken {
  /** Null where it stays. */
  readonly to: Node | null;
  readonly label: string;
}

/** In the order in which XState asks: the state before those around it, which have what its guards leave over. */
function takenIn(leaf: Node): readonly Taken[] {
  const handled = new Set<string>();
  const taken: Taken[] = [];
  for (let node: Node | undefined = leaf; node !== undefined; node = node.parent) {
    const here = [...node.transitions].filter(([event, candidates]) => !handled.has(event) && !isSilence(event, candidates));
    for (const [event, candidates] of here) {
      taken.push(...candidates.map((candidate, i) => taking(leaf, event, candidate, i > 0)));
      if (candidates.some(({ guard }) => guard === undefined)) handled.add(event);
    }
  }
  return taken;
}

/** What a machine takes by a wildcard, to no effect, nobody has to know. */
const isSilence = (event: string, candidates: readonly Transition[]): boolean =>
  event === '*' && candidates.every(({ target, actions }) => target === undefined && answered(actions) === '');

function taking(leaf: Node, event: string, { target, guard, actions }: Transition, isAlternative: boolean): Taken {
  const to = target?.[0];
  const guarded = guard === undefined ? (isAlternative ? ' [else]' : '') : ` [${guardName(guard)}]`;
  const label = `${event === '*' ? 'any other' : event}${guarded}${answered(actions)}`;
  return { to: to === undefined || to === leaf ? null : to, label: safe(label) };
}

type Guard = NonNullable<Transition['guard']>;
function guardName(guard: Guard): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && 'type' in guard) return guard.type;
  return 'if';
}

/** What is answered; nothing for a void call. */
function answered(actions: Transition['actions']): string {
  const said = actions.flatMap((action): readonly { readonly type: string; readonly params?: unknown }[] =>
    typeof action === 'object' && 'type' in action ? [action] : [],
  );
  const complaints = said.filter(({ type }) => type === 'splat').map(({ params }) => ` ! ${complaintOf(params)}`);
  const replies = said.filter(({ type }) => type === 'answer').flatMap(({ params }) => replyOf(params));
  return [...replies, ...complaints].join('');
}

const valueOf = (params: unknown): unknown =>
  typeof params === 'object' && params !== null && 'value' in params ? params.value : null;

function replyOf(params: unknown): readonly string[] {
  if (typeof params === 'function') return [' / ...'];
  const value = valueOf(params);
  return value === null ? [] : [` / ${JSON.stringify(value)}`];
}

function complaintOf(params: unknown): string {
  if (typeof params !== 'object' || params === null) return '...';
  const { prints, text } = params as Partial<Splat>;
  return prints ?? text ?? '...';
}

/** A semicolon would end the line, a number sign begin an entity, and a browser take the rest for markup. */
const safe = (label: string): string =>
  label
    .replaceAll('#', '#35;')
    .replace(/(?<!#35);/g, '#59;')
    .replaceAll('<', '#lt;')
    .replaceAll('>', '#gt;')
    .replaceAll(':', '#58;');
