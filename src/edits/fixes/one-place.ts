/** Several places write the same, and one of them at the wrong time: it is left to the others. */
import type { Flow } from '../flow.ts';
import type { Stand } from '../sites.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

export function leftToOthers(marked: readonly Taken[], { sites }: Flow): readonly Candidate[] {
  return marked.flatMap(({ step }): readonly Candidate[] => {
    const [{ object, event, means }] = step.step[0].messages;
    if (means.kind !== 'write' || step.step.length > 1) return [];
    const places = new Map<string, Stand>();
    for (const stand of sites.stands) {
      const message = stand?.step.step[0].messages[0];
      const isSame = message?.object === object && JSON.stringify(message.event) === JSON.stringify(event);
      if (stand !== null && stand !== undefined && isSame) places.set(stand.site.key, stand);
    }
    if (places.size < 2) return [];
    return [...places.values()].map(({ site, activations }) => {
      const others = [...places.values()].filter((other) => other.site !== site).map((other) => inFunction(other.activations));
      return {
        kind: 'one place',
        says: `leave ${site.c} to ${[...new Set(others)].join(' and ')}: ${inFunction(activations)} does without`,
        edits: [{ kind: 'drop', at: [site.key] }],
        size: 1,
        group: `one place ${site.key}`,
      };
    });
  });
}
