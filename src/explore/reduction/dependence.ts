/**
 * Which accesses to one object conflict, asked of the machines themselves: two commute if, wherever both may come next,
 * neither takes the other's turn away and both orders give the same answers and the same snapshot.
 */
import type { Program } from '../../tables/program.ts';
import { mayRace } from '../races/accesses.ts';
import { BitRows } from './bits.ts';
import { closureOf } from './closure.ts';
import type { Access, Futures } from './futures.ts';

/** What came of an access: the next snapshot, and the answer. */
const DISABLED = -1;
const UNSAID = -2;

export class Dependence {
  /** By access, those that must not be put off when it is taken: they conflict with it. */
  readonly conflicts: BitRows;
  /** The access may be answered with a complaint. */
  readonly mayComplain: readonly boolean[];
  /** The access may change its slot. */
  readonly mayChange: readonly boolean[];
  /** By access: another may race with it. */
  private readonly racy: readonly boolean[];
  private readonly futures: Futures;

  /** @param givenUp slots that have too many snapshots: with more accesses they have no fewer, so they are not tried again */
  constructor(program: Program, futures: Futures, givenUp: Set<number>) {
    const { accesses, to } = futures;
    this.conflicts = new BitRows(accesses.length, accesses.length);
    const mayComplain = accesses.map(() => false);
    const mayChange = accesses.map(() => false);
    const racy = accesses.map(() => false);
    const begin = program.initial();
    for (const [slot, ids] of to.entries()) {
      const closure = givenUp.has(slot) ? null : closureOf(program, futures, slot, begin);
      if (closure === null) givenUp.add(slot);
      for (const id of ids) {
        const access = accesses[id] as Access;
        mayComplain[id] = closure?.one.some((snapshot) => complains(program, access, snapshot)) ?? true;
        mayChange[id] = closure?.one.some((snapshot) => nextOf(program, access, snapshot) !== snapshot) ?? true;
        for (const other of ids) {
          const isRace = race(access, accesses[other] as Access);
          racy[id] ||= isRace;
          if (isRace || (closure?.two.some((snapshot) => conflict(program, access, accesses[other] as Access, snapshot)) ?? true))
            this.conflicts.add(id, other);
        }
      }
    }
    this.mayComplain = mayComplain;
    this.mayChange = mayChange;
    this.racy = racy;
    this.futures = futures;
  }

  /** The way may be one side of a data race. */
  races(way: number): boolean {
    return (this.futures.ofWay[way] as readonly number[]).some((access) => this.racy[access]);
  }
}

/** They may make a data race, whatever they do to the object. */
const race = ({ field: one }: Access, { field: other }: Access): boolean => one !== null && other !== null && mayRace(one, other);

/** What is said only where it can be taken is never waited for. */
function nextOf(program: Program, { slot, event, ifAble }: Access, snapshot: number): number {
  const next = program.nextOf(slot, snapshot, event);
  return next < 0 && ifAble ? snapshot : next;
}

function answerOf(program: Program, { slot, event }: Access, snapshot: number): number {
  return program.nextOf(slot, snapshot, event) < 0 ? UNSAID : program.answerOf(slot, snapshot, event);
}

const complains = (program: Program, { slot, event }: Access, snapshot: number): boolean =>
  program.nextOf(slot, snapshot, event) >= 0 && program.isComplaint(program.answerOf(slot, snapshot, event));

function conflict(program: Program, one: Access, other: Access, snapshot: number): boolean {
  const afterOne = nextOf(program, one, snapshot);
  const afterOther = nextOf(program, other, snapshot);
  // Where only one of them can come next, the other cannot come before it.
  if (afterOne === DISABLED || afterOther === DISABLED) return false;
  const both = nextOf(program, other, afterOne);
  return (
    both === DISABLED ||
    both !== nextOf(program, one, afterOther) ||
    answerOf(program, one, snapshot) !== answerOf(program, one, afterOther) ||
    answerOf(program, other, snapshot) !== answerOf(program, other, afterOne)
  );
}
