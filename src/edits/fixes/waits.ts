/** Before the racing step it is waited for what another thread says when it has done. */
import type { Flow } from '../flow.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

export function waitedFor(marked: readonly Taken[], { sites }: Flow): readonly Candidate[] {
  const waits = sites.stands.flatMap((stand) => {
    const [way, ...others] = stand?.step.step ?? [];
    const message = way?.messages[0];
    return message?.means.kind === 'wait' && others.length === 0 ? [message] : [];
  });
  const each = [...new Map(waits.map((message) => [JSON.stringify(message), message])).values()];
  return marked
    .filter(({ trace }) => ['free', 'write', 'update', 'put'].includes(trace.means.kind))
    .flatMap(({ where, trace }) =>
      each.map(
        (message): Candidate => ({
          kind: 'wait',
          says: `${sites.spell(message)} before ${trace.c} in ${inFunction(where.activations)}`,
          edits: [{ kind: 'insert', at: where.key, where: 'before', message }],
          size: 1,
          group: `wait ${message.object} ${where.key}`,
        }),
      ),
    );
}
