/** The hung task detector, for each task that is stuck, and what it shows of the locks. */
import type { Finding } from '../../check/finding.ts';
import type { Standing, Trace } from '../../trace/trace.ts';
import { callTrace } from './call-trace.ts';
import { locksHeldBy } from './lockdep.ts';

export function hungTasks({ fault }: Finding, trace: Trace): readonly string[] {
  const stuck = fault.sites.flatMap(({ thread }) => trace.standing.filter((standing) => standing.thread === thread));
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
        ]),
  ];
}

function likelyOwner({ thread, event, object }: Standing, { standing }: Trace): readonly string[] {
  const owner = standing.find((other) => object !== null && other.held.includes(object));
  if (owner === undefined || event?.startsWith('mutex_lock') !== true) return [];
  return [`INFO: task ${thread} is blocked on a mutex likely owned by task ${owner.thread}.`];
}
