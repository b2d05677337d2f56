/** The hung task detector, for each task that is stuck, and what it shows of the locks. */
import type { Finding } from '../../check/finding.ts';
import type { Standing, Trace } from '../../trace/trace.ts';
import { whoIsStuck } from '../stuck.ts';
import { callTrace } from './call-trace.ts';
import { locksHeldBy } from './lockdep.ts';

export function hungTasks(finding: Finding, trace: Trace): readonly string[] {
  const stuck = whoIsStuck(finding, trace);
  const holding = trace.standing.filter(({ held }) => held.length > 0);
  return [
    ...stuck.flatMap((standing) => [
      `INFO: task ${standing.thread} blocked for more than 120 seconds. (modelled)`,
      ...callTrace([...standing.functions, standing.event ?? ''].filter(Boolean)),
      ...likelyOwner(standing, trace),
    ]),
    ...(holding.length === 0
      ? []
      : [
          '',
          'Showing all locks held in the system:',
          ...holding.flatMap(({ thread, held }) => locksHeldBy(thread, held, trace)),
          '',
          END_OF_LOCKS,
        ]),
  ];
}

/** Of whom kernel/hung_task.c knows that they hold the lock: of a mutex since v6.15, of an rw-semaphore since v6.17. */
function likelyOwner({ thread, event, object }: Standing, { standing, steps }: Trace): readonly string[] {
  const owner = standing.find((other) => object !== null && other.held.includes(object));
  if (owner === undefined || event === null) return [];
  if (event.startsWith('mutex_lock')) return [`INFO: task ${thread} is blocked on a mutex likely owned by task ${owner.thread}.`];
  const [, way] = /^(?:rwsem_)?down_(read|write)/.exec(event) ?? [];
  if (way === undefined) return [];
  const taken = steps.findLast((step) => step.thread === owner.thread && step.object === object && step.means.kind === 'acquire');
  const owns = taken?.means.mode === 'shared' ? 'reader' : 'writer';
  const asks = way === 'read' ? 'reader' : 'writer';
  return [`INFO: task ${thread} <${asks}> blocked on an rw-semaphore likely owned by task ${owner.thread} <${owns}>`];
}

const END_OF_LOCKS = '='.repeat(45);
