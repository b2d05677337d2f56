/** A lock that is held over part of a function. */
import type { Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Hold } from '../edit.ts';
import { lockIn } from './locks.ts';
import { besides, granted, type Rule, taken } from './rule.ts';
import { isWithin, placesIn, type Scope, scopeOf } from './site.ts';

export function holds({ take, release, from, to, before }: Hold): Rule {
  const [{ object }] = take;
  const isFrom = placesIn([from]);
  const isTo = placesIn(to === null ? [] : [to]);
  const isPast = placesIn(before ?? []);
  let held: { readonly scope: Scope; last: Step; readonly loops: number; inner: number } | null = null;
  let loops = 0;

  function* acquire(step: Step): Operation {
    const [first, orElse] = take;
    const heard = yield* taken(besides(first, step));
    if (heard === false && orElse !== undefined) yield* taken(besides(orElse, step));
  }

  /** Where the code has taken the lock once more and keeps it, it is the code's. */
  function* letGo(): Operation {
    if (held === null) return;
    const { last, inner } = held;
    held = null;
    if (inner === 0) yield* taken(besides(release, last));
  }

  /** The code takes or releases the lock that it has: neither happens. */
  function heardWhileHeld(step: Step, does: 'acquire' | 'release'): Json {
    if (held === null) return null;
    held.inner += does === 'acquire' ? 1 : -1;
    if (isTo(step)) held = null;
    return granted(step);
  }

  return {
    *step(step: Step): Operation<Json> {
      if (held !== null && (isPast(step) || !isWithin(step, held.scope))) yield* letGo();
      const lock = lockIn(step);
      const its = lock?.object === object ? lock.does : null;
      if (held === null && isFrom(step)) {
        held = { scope: scopeOf(step), last: step, loops, inner: 0 };
        if (its === 'release') return granted(step);
        yield* acquire(step);
      }
      if (held === null) return yield* taken(step);
      held.last = step;
      if (its !== null && (its === 'acquire' || held.inner > 0)) return heardWhileHeld(step, its);
      const heard = yield* taken(step);
      if (isTo(step)) yield* letGo();
      return heard;
    },
    *loop(what: 'loop' | 'again' | 'leave', open: number, next: () => Step | null): Operation {
      if (held !== null) {
        const then = what === 'loop' ? next() : null;
        const hasReturned = then !== null && !isWithin(then, held.scope);
        if (hasReturned || (what !== 'loop' && held.loops === open)) yield* letGo();
      }
      loops = open + { loop: 1, again: 0, leave: -1 }[what];
    },
    end: letGo,
    get state() {
      return held === null ? null : held.inner;
    },
  };
}
