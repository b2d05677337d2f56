/**
 * Sees every state and step of its share of the search, and picks out those that may say something new: they, in the order
 * of a search that nobody shares, are all that the judge has to see. What is left out looks, in all that the judge asks,
 * like something that was picked out before it.
 */
import type { Stepper } from '../../tables/stepper.ts';
import type { Predicates, Verdict } from './oracle.ts';
import { Recall } from './recall.ts';

/** In place of a thread: the event is the state itself, or that nobody can move in it. */
export const STATE = -1;
export const END = -2;

export class Watch {
  /** Three numbers each: the state, the thread or what it is, the way. */
  events: number[] = [];
  private readonly stepper: Stepper;
  private readonly predicates: Predicates;
  private readonly recalls: readonly Recall[];
  private pass = 0;
  private reached: boolean[] = [];
  private readonly known = new Set<string>();
  /** What is wrong in the state that was seen last. */
  private trouble = '';

  constructor(stepper: Stepper, predicates: Predicates, ask: (predicate: number, state: Int32Array, strict: boolean) => Verdict) {
    this.stepper = stepper;
    this.predicates = predicates;
    const count = predicates.always + predicates.sometimes + 1;
    this.recalls = Array.from({ length: count }, (_, i) => new Recall((state, strict) => ask(i, state, strict)));
  }

  begin(): void {
    this.pass++;
    this.known.clear();
    this.reached = Array.from({ length: this.predicates.sometimes }, () => false);
  }

  /** Something is wrong in the state. */
  isWrong(state: Int32Array): boolean {
    for (let i = 0; i < this.predicates.always; i++) if (!this.recall(i).of(state, true).holds) return true;
    for (let thread = 0; thread < this.stepper.threads; thread++) if (this.stepper.standsWrong(state, thread)) return true;
    return false;
  }

  /** To be asked of every state, in order. @returns whether something is wrong in it */
  state(state: Int32Array, at: number): boolean {
    const { always, sometimes } = this.predicates;
    let isNew = false;
    let trouble = '';
    for (let i = always; i < always + sometimes; i++) {
      if (this.reached[i - always]) continue;
      const look = this.recall(i).of(state, false);
      if (look.pass !== this.pass) isNew = true;
      look.pass = this.pass;
      if (look.holds) this.reached[i - always] = true;
    }
    for (let i = 0; i < always; i++) {
      const look = this.recall(i).of(state, false);
      if (look.pass !== this.pass) isNew = true;
      look.pass = this.pass;
      if (!look.holds) trouble += ` ${i}`;
    }
    for (let thread = 0; thread < this.stepper.threads; thread++)
      if (this.stepper.standsWrong(state, thread)) trouble += ` at ${state[this.stepper.slots + thread]}`;
    this.trouble = trouble;
    if (trouble !== '' && this.isNew(`${trouble} ${this.stepper.isTainted(state)}`)) isNew = true;
    if (isNew) this.events.push(at, STATE, 0);
    return trouble !== '';
  }

  /** To be called right after a step that raised something. @param way of all ways; @param choice of those of its position */
  step(way: number, wrong: boolean, tainted: boolean, at: number, thread: number, choice: number): void {
    const { splats, splatSlots, splatAnswers } = this.stepper;
    let said = `step ${way} ${!wrong && !tainted}`;
    for (let i = 0; i < splats; i++) said += ` ${splatSlots[i]} ${splatAnswers[i]}`;
    if (this.isNew(said)) this.events.push(at, thread, choice);
  }

  /** No thread can move in the state that was seen last. */
  end(state: Int32Array, at: number): void {
    const look = this.recall(this.recalls.length - 1).of(state, false);
    // What looks the same at the end may still differ in what came before it, and in what was wrong before it was an end.
    if (this.isNew(`end ${look.id} ${this.stepper.isTainted(state)}${this.trouble}`)) this.events.push(at, END, 0);
  }

  private isNew(said: string): boolean {
    if (this.known.has(said)) return false;
    this.known.add(said);
    return true;
  }

  private recall(predicate: number): Recall {
    return this.recalls[predicate] as Recall;
  }
}
