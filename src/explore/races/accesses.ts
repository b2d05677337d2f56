/**
 * What of a step counts for data races, by what its messages mean: which fields it reads or writes, and which of these
 * accesses are plain, so that the compiler may tear or repeat them.
 */
import type { Meaning } from '../../../actors/step.ts';
import type { Position, Program } from '../../tables/program.ts';

export interface FieldAccess {
  readonly slot: number;
  readonly event: number;
  readonly kind: Meaning['kind'];
  readonly plain: NonNullable<Meaning['plain']>;
}

/** A thread before one way of its step: what may be one side of a race. */
export interface Accessing {
  readonly position: Position;
  /** Of all ways of all positions. */
  readonly way: number;
}

/** What happens to memory as a whole is no access to a field, nor is a choice. */
const NO_ACCESS: ReadonlySet<Meaning['kind']> = new Set(['alloc', 'free', 'choose']);

export function fieldAccesses(program: Program, way: number): readonly FieldAccess[] {
  const { slots, events, means: all } = program.ways[way] as Program['ways'][number];
  return all.flatMap((means, i) =>
    means === undefined || NO_ACCESS.has(means.kind)
      ? []
      : [{ slot: slots[i] as number, event: events[i] as number, kind: means.kind, plain: means.plain ?? false }],
  );
}

/** What neither reads nor writes by its name writes where it changes something, as a compare-and-exchange does. */
export const writesHere = ({ kind }: Pick<FieldAccess, 'kind'>, changes: boolean): boolean =>
  kind === 'write' || (kind !== 'read' && changes);

/** They may make a race, if one of them writes where they meet. */
export const mayRace = (one: FieldAccess, other: FieldAccess): boolean =>
  one.slot === other.slot &&
  (isPlainBeside(one, other) || isPlainBeside(other, one)) &&
  (one.kind !== 'read' || other.kind !== 'read');

/** The one is plain to who makes the other. */
const isPlainBeside = ({ plain }: Pick<FieldAccess, 'plain'>, { kind }: Pick<FieldAccess, 'kind'>): boolean =>
  plain === true || (plain === 'beside writers' && kind !== 'read');

/** As KCSAN says it of one side of a race: `plain read`, `marked read-write`. @param beside the way of the other side */
export function spellAccess(program: Program, way: number, slot: number, beside: number): string {
  const [access, other] = [way, beside].map((one) => fieldAccesses(program, one).find((field) => field.slot === slot));
  const verb = access?.kind === 'read' ? 'read' : access?.kind === 'write' ? 'write' : 'read-write';
  const isPlain = access !== undefined && other !== undefined && isPlainBeside(access, other);
  return `${isPlain ? 'plain' : 'marked'} ${verb}`;
}
