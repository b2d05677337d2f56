/** What a predicate says of every visited state, as a tree of what it reads: the predicate itself cannot leave JavaScript. */
import { ModelError } from '../model/errors.ts';
import type { StatePredicate } from '../tables/predicate.ts';

/** A place of the state vector is read, and by its value the tree goes on; or the answer is known. */
export type Decision = { readonly place: number; readonly by: Map<number, Decision> } | { readonly holds: boolean };

export class Decisions {
  root: Decision | null = null;
  private readonly predicate: StatePredicate<unknown>;
  private readonly holds: (result: unknown) => boolean;

  constructor(predicate: StatePredicate<unknown>, holds: (result: unknown) => boolean) {
    this.predicate = predicate;
    this.holds = holds;
  }

  /** @returns whether the predicate holds. @throws ModelError if that is no function of the parts and positions that it reads */
  learn(state: Int32Array): boolean {
    const holds = this.holds(this.predicate.of(state));
    const known = this.find(state);
    if (known === null) this.add(state, holds);
    else if (known !== holds) throw this.refusal();
    return holds;
  }

  /** The places that decide. */
  get places(): ReadonlySet<number> {
    const places = new Set<number>();
    const visit = (decision: Decision | null): void => {
      if (decision === null || 'holds' in decision) return;
      places.add(decision.place);
      for (const below of decision.by.values()) visit(below);
    };
    visit(this.root);
    return places;
  }

  private find(state: Int32Array): boolean | null {
    let at = this.root;
    while (at !== null && 'place' in at) at = at.by.get(state[at.place] as number) ?? null;
    return at === null ? null : at.holds;
  }

  private add(state: Int32Array, holds: boolean): void {
    this.predicate.evaluate(state);
    const places = [...new Set(this.predicate.lastReads)];
    const grow = (at: Decision | null, depth: number): Decision => {
      const place = places[depth];
      if (place === undefined) return { holds };
      if (at !== null && (!('place' in at) || at.place !== place)) throw this.refusal();
      const grown = at ?? { place, by: new Map<number, Decision>() };
      const value = state[place] as number;
      grown.by.set(value, grow(grown.by.get(value) ?? null, depth + 1));
      return grown;
    };
    this.root = grow(this.root, 0);
  }

  private refusal(): ModelError {
    return new ModelError(
      `The predicate "${this.predicate.name}" asks for more than parts, positions and results`,
      'blocked() cannot be exported: say the same by next() and the part that the thread waits for',
    );
  }
}
