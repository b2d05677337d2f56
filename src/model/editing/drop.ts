/** A step that is not taken, with the release of what it would have taken. */
import type { Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Drop } from '../edit.ts';
import { lockIn, wasAcquired } from './locks.ts';
import { granted, noProgram, type Rule, taken } from './rule.ts';
import { placesIn } from './site.ts';

export function drops({ at, reply }: Drop): Rule {
  const isHere = placesIn(at);
  const sections = new Sections();
  return {
    *step(step: Step): Operation<Json> {
      const lock = lockIn(step);
      if (isHere(step)) {
        if (lock?.does === 'acquire') sections.begin(lock.object, 'left out');
        return granted(step, reply);
      }
      if (lock?.does === 'release' && sections.end(lock.object) === 'left out') return granted(step);
      const heard = yield* taken(step);
      if (lock !== null && wasAcquired(step, heard)) sections.begin(lock.object, 'as it was');
      return heard;
    },
    *end(): Operation {
      if (sections.leftOut.length > 0) throw noProgram('a lock is left out that the call keeps');
    },
    get state() {
      return sections.leftOut;
    },
  };
}

type Whether = 'left out' | 'as it was';

/** The critical sections that are open in a call. */
class Sections {
  private readonly open: { readonly object: string; readonly is: Whether }[] = [];

  begin(object: string, is: Whether): void {
    this.open.push({ object, is });
  }

  /** The last that was begun ends first. */
  end(object: string): Whether | null {
    const at = this.open.findLastIndex((section) => section.object === object);
    return at < 0 ? null : (this.open.splice(at, 1)[0]?.is ?? null);
  }

  get leftOut(): readonly string[] {
    return this.open.flatMap(({ object, is }) => (is === 'left out' ? [object] : [])).toSorted();
  }
}
