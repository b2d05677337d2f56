/** Critical sections: what is left of the code without one, and with one that is a step shorter. */
import type { Json } from '../../machines/object.ts';
import type { SiteKey } from '../model/edit.ts';
import { lockIn } from '../model/editing/locks.ts';
import { isWithin } from '../model/editing/site.ts';
import { type Element, element } from './element.ts';
import type { Flow } from './flow.ts';
import { grouped } from './group.ts';
import type { Site, Stand } from './sites.ts';

export function sections(flow: Flow): readonly Element[] {
  const stands = flow.sites.stands.filter((stand) => stand !== null);
  const acquires = unique(stands.filter(({ step }) => lockIn(step)?.does === 'acquire').map(({ site }) => site));
  const releases = unique(stands.filter(({ step }) => lockIn(step)?.does === 'release').map(({ site }) => site));
  // A lock that was not free is waited for in a step of its own, of the same statement.
  const statements = grouped(acquires, ({ place }) => JSON.stringify(place));
  return [
    ...statements.map((sites) => without(sites)),
    ...statements.flatMap((sites) => begunLater(flow, sites)),
    ...releases.flatMap((site) => endedEarlier(flow, site)),
  ];
}

const unique = (sites: readonly Site[]): readonly Site[] => [...new Set(sites)];

function without(sites: readonly Site[]): Element {
  const [site] = sites as readonly [Site];
  return element('section', 'removed', `without ${site.c} in ${site.function}()`, sites, {
    kind: 'drop',
    at: sites.map(({ key }) => key),
  });
}

/** What comes after the statement, whether or not it had to wait for the lock. */
function begunLater(flow: Flow, sites: readonly Site[]): readonly Element[] {
  const passages = sites.flatMap(({ key }) => flow.from(key));
  const first = passages.find(({ from }) => isPlainLock(from))?.from;
  if (first === undefined) return [];
  const after = passages.flatMap(({ to }) => (to === null || sites.includes(to.site) ? [] : [to]));
  const inside = after.filter(({ step }) => isWithin(step, first.activations));
  const [next] = inside;
  const isEmpty = inside.some(({ step }) => lockIn(step)?.object === lockIn(first.step)?.object);
  if (next === undefined || isEmpty) return [];
  const { site } = first;
  const past = unique(inside.map((stand) => stand.site));
  return [
    element('section', 'narrowed', `${site.c} only after ${next.site.c} in ${site.function}()`, [site, ...past], {
      kind: 'delay',
      at: site.key,
      past: past.map(({ key }) => key),
    }),
  ];
}

/** The lock is taken in one way, which tells the code nothing. */
const isPlainLock = ({ step }: Stand): boolean => {
  const { means } = step.step[0].messages[0];
  return step.step.length === 1 && (!means.try || means.queues === true);
};

function endedEarlier(flow: Flow, site: Site): readonly Element[] {
  const before = unique(
    flow.passages
      .filter(({ from, to }) => to?.site === site && lockIn(from.step) === null && isWithin(from.step, to.activations))
      .map(({ from }) => from.site),
  );
  return before.flatMap((last) => {
    const replies = repliesIfAlike(flow, last.key, site.key);
    if (replies === null) return [];
    return [
      element('section', 'narrowed', `${site.c} already before ${last.c} in ${site.function}()`, [site, last], {
        kind: 'hasten',
        at: site.key,
        before: last.key,
        replies,
      }),
    ];
  });
}

/**
 * All that the code may hear of a step after which it always makes the other, in the same words.
 * @returns null if it sometimes goes on otherwise
 */
export function repliesIfAlike(flow: Flow, from: SiteKey, to: SiteKey): readonly Json[] | null {
  const passages = flow.from(from);
  for (const ways of grouped(passages, ({ position }) => position)) {
    const says = new Set(ways.map((way) => (way.to?.site.key === to ? JSON.stringify(way.to.step.step) : null)));
    if (says.has(null) ? says.size > 1 : says.size !== 1) return null;
  }
  const heard = passages.filter((way) => way.to?.site.key === to).map((way) => way.heard);
  return [...new Map(heard.map((one) => [JSON.stringify(one), one])).values()];
}
