/** Two places do the same, and one of them comes at the wrong time: it is left to the other. */
import type { Flow } from '../flow.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

export function leftToOthers(marked: readonly Taken[], { sites }: Flow): readonly Candidate[] {
  return marked.flatMap(({ step, where }): readonly Candidate[] => {
    const [{ object, event, means }] = step.step[0].messages;
    if (means.kind !== 'write' || step.step.length > 1) return [];
    const others = sites.stands.flatMap((stand) => {
      const message = stand?.step.step[0].messages[0];
      const isSame = message?.object === object && JSON.stringify(message.event) === JSON.stringify(event);
      return stand !== null && isSame && stand.site.key !== where.key ? [inFunction(stand.activations)] : [];
    });
    if (others.length === 0) return [];
    const c = sites.spell(step.step[0].messages[0]);
    return [
      {
        kind: 'one place',
        says: `leave ${c} to ${[...new Set(others)].join(' and ')}: ${inFunction(where.activations)} does without`,
        edits: [{ kind: 'drop', at: [where.key] }],
        size: 1,
        group: `one place ${where.key}`,
      },
    ];
  });
}
