/** What a predicate said of states that look the same to it. */
import { InternalError } from '../../model/errors.ts';
import type { Verdict } from './oracle.ts';

/** All states that answer the same reads alike. */
export interface Look {
  readonly id: number;
  readonly holds: boolean;
  /** The pass in which such a state was last met. */
  pass: number;
}

type Node = { readonly place: number; readonly next: Map<number, Node> } | Look;

export class Recall {
  private readonly ask: (state: Int32Array, strict: boolean) => Verdict;
  private root: Node | null = null;
  private looks = 0;

  constructor(ask: (state: Int32Array, strict: boolean) => Verdict) {
    this.ask = ask;
  }

  /** @param strict where the predicate throws, so does this; else it is left to the judge */
  of(state: Int32Array, strict: boolean): Look {
    let node = this.root;
    while (node !== null && 'place' in node) node = node.next.get(state[node.place] as number) ?? null;
    return node ?? this.learn(state, this.ask(state, strict));
  }

  private learn(state: Int32Array, { holds, reads }: Verdict): Look {
    const look: Look = { id: this.looks++, holds, pass: 0 };
    if (reads === null) return look;
    const branch = (from: number): Node => {
      let node: Node = look;
      for (let i = reads.length - 1; i >= from; i--) {
        const place = reads[i] as number;
        node = { place, next: new Map([[state[place] as number, node]]) };
      }
      return node;
    };
    if (this.root === null) {
      this.root = branch(0);
      return look;
    }
    let at: Node = this.root;
    for (const [i, place] of reads.entries()) {
      if (!('place' in at) || at.place !== place) throw new InternalError('a predicate reads differently when asked twice');
      const next = at.next.get(state[place] as number);
      if (next === undefined) {
        at.next.set(state[place] as number, branch(i + 1));
        return look;
      }
      at = next;
    }
    throw new InternalError('a predicate was asked what it had said');
  }
}
