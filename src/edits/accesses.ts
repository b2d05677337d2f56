/** Gets, puts, waits, wake-ups and checks, one by one: the code without each of them. */
import type { Meaning } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';
import { NULL_NAME } from '../../machines/object.ts';
import { plainName } from '../model/names.ts';
import { type Element, element, type ElementKind } from './element.ts';
import type { Flow } from './flow.ts';
import type { Site, Stand } from './sites.ts';

const KINDS: { readonly [K in Meaning['kind']]?: ElementKind } = {
  get: 'get',
  put: 'put',
  wait: 'wait',
  signal: 'signal',
  read: 'check',
};

export function accesses(flow: Flow): readonly Element[] {
  const firsts = new Map<Site, Stand>();
  for (const stand of flow.sites.stands) if (stand !== null && !firsts.has(stand.site)) firsts.set(stand.site, stand);
  return [...firsts].flatMap(([site, { step }]) => {
    const ways = step.step.map(({ messages: [{ means }] }) => means.kind);
    const kind = KINDS[ways.find((way) => way === 'wait') ?? (ways[0] as Meaning['kind'])];
    if (kind === undefined || ways.includes('acquire')) return [];
    if (kind === 'check') return ways.length > 1 ? [] : checks(flow, site);
    return [without(flow, site, kind)];
  });
}

function without(flow: Flow, site: Site, kind: ElementKind): Element {
  const reply = kind === 'wait' ? undefined : replyInstead(flow, site, kind);
  return element(kind, 'removed', `without ${site.c} in ${site.function}()`, [site], {
    kind: 'drop',
    at: [site.key],
    ...(reply === undefined ? {} : { reply }),
  });
}

/** Who gets goes on as with a reference; who puts as one that had not the last. Both are told by what comes then. */
function replyInstead(flow: Flow, site: Site, kind: ElementKind): Json | undefined {
  const shortest = (reply: Json) =>
    Math.min(
      ...flow
        .from(site.key)
        .filter((way) => JSON.stringify(way.reply) === JSON.stringify(reply))
        .map((way) => flow.stepsAfter(way)),
    );
  const replies = flow.replies(site.key).toSorted((a, b) => shortest(a) - shortest(b));
  return kind === 'put' ? replies[0] : replies.at(-1);
}

/** What the code reads, and then goes on this way or that: each of the ways, whatever is read. */
function checks(flow: Flow, site: Site): readonly Element[] {
  const ways = new Map<string, Json[]>();
  for (const reply of flow.replies(site.key)) {
    const then = flow
      .from(site.key)
      .filter((way) => JSON.stringify(way.reply) === JSON.stringify(reply))
      .map(({ to }) => to?.site.key ?? 'ends');
    const name = [...new Set(then)].toSorted().join(' ');
    ways.set(name, [...(ways.get(name) ?? []), reply]);
  }
  if (ways.size < 2) return [];
  return [...ways.values()].flatMap((replies) => {
    const reply = replies.find((one) => !pointsSomewhere(one));
    if (reply === undefined) return [];
    return [
      element('check', 'taken for granted', `with ${site.c} in ${site.function}() always ${spoken(reply)}`, [site], {
        kind: 'drop',
        at: [site.key],
        reply,
      }),
    ];
  });
}

function nameIn(reply: Json): string | null {
  const at = typeof reply === 'object' && reply !== null && 'at' in reply ? (reply as { at?: Json }).at : null;
  return typeof at === 'string' ? at : null;
}

const pointsSomewhere = (reply: Json): boolean => ![null, NULL_NAME.at].includes(nameIn(reply));

const spoken = (reply: Json): string => plainName(nameIn(reply) ?? JSON.stringify(reply));
