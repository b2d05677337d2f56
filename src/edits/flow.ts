/** The steps of kernel code as a search has come upon them: which follows which, on what reply. */
import type { Json } from '../../machines/object.ts';
import type { SiteKey } from '../model/edit.ts';
import type { Program } from '../tables/program.ts';
import { Sites, type Stand } from './sites.ts';

/** A thread that goes from one step to the next. */
export interface Passage {
  readonly from: Stand;
  /** Null where it goes on in no kernel code: the call has returned, or the thread was stopped. */
  readonly to: Stand | null;
  readonly reply: Json;
  /** What the code heard: the reply, and which way was taken where there are several. */
  readonly heard: Json;
  /** The positions between which it goes. */
  readonly position: number;
  readonly next: number;
  readonly returns: boolean;
}

export class Flow {
  readonly sites: Sites;
  readonly passages: readonly Passage[];
  private readonly bySite = new Map<SiteKey, Passage[]>();
  /** By position: the fewest steps that it takes to get out of the call. */
  private readonly toEnd: number[];

  constructor(program: Program) {
    this.sites = new Sites(program);
    const passages: Passage[] = [];
    const kids: { readonly from: number; readonly to: number; readonly returned: boolean }[] = [];
    for (const [position, { firstWay, ways }] of program.positions.entries())
      for (const way of program.ways.slice(firstWay, firstWay + ways))
        for (const kid of way.kids.values()) {
          kids.push({ from: position, to: kid.position, returned: kid.returned });
          const from = this.sites.stands[position];
          if (from === null || from === undefined || kid.stops) continue;
          const heard = ways === 1 ? kid.reply : { way: way.name, reply: kid.reply };
          const to = kid.returned ? null : (this.sites.stands[kid.position] ?? null);
          passages.push({ from, to, reply: kid.reply, heard, position, next: kid.position, returns: kid.returned });
        }
    this.passages = passages;
    for (const passage of passages) {
      const known = this.bySite.get(passage.from.site.key) ?? [];
      known.push(passage);
      this.bySite.set(passage.from.site.key, known);
    }
    this.toEnd = distances(program.positions.length, kids);
  }

  /** How it goes on from the site, as far as was met. */
  from(key: SiteKey): readonly Passage[] {
    return this.bySite.get(key) ?? [];
  }

  /** The fewest steps that the call can still take after this one. */
  stepsAfter({ next, returns }: Passage): number {
    return returns ? 0 : (this.toEnd[next] ?? Infinity);
  }

  /** What is replied at the site, in the order in which it was met. */
  replies(key: SiteKey): readonly Json[] {
    const all = new Map(this.from(key).map(({ reply }) => [JSON.stringify(reply), reply]));
    return [...all.values()];
  }
}

function distances(positions: number, kids: readonly { from: number; to: number; returned: boolean }[]): number[] {
  const toEnd = Array<number>(positions).fill(Infinity);
  for (let changed = true; changed; ) {
    changed = false;
    for (const { from, to, returned } of kids) {
      const steps = 1 + (returned ? 0 : (toEnd[to] as number));
      if (steps >= (toEnd[from] as number)) continue;
      toEnd[from] = steps;
      changed = true;
    }
  }
  return toEnd;
}
