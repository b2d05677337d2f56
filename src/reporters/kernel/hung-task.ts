/** The hung task detector, for each task that is stuck, and what it shows of the locks. */
import type { Finding } from '../../check/finding.ts';
import type { Standing, Trace } from '../../trace/trace.ts';
import { count } from '../layout.ts';
import { spellLock } from '../locks-held.ts';
import { callTrace, innermost } from './call-trace.ts';

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
      : ['', 'Showing all locks held in the system:', ...holding.flatMap((who) => locksOf(who, trace)), '', END_OF_LOCKS]),
  ];
}

/** As kernel/hung_task.c names the owner since v6.16, of the two kinds of lock of which it knows one. */
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

const locksOf = ({ thread, held }: Standing, trace: Trace): readonly string[] => [
  `${count(held.length, 'lock')} held by ${thread}:`,
  ...held.map((lock, i) => ` #${i}:  (${spellLock(lock, thread, trace)}), at: ${takenIn(lock, thread, trace)}`),
];

function takenIn(lock: string, thread: string, { steps }: Trace): string {
  const taken = steps.findLast((step) => step.thread === thread && step.object === lock && step.means.kind === 'acquire');
  return taken === undefined ? '?' : innermost(taken);
}
