/** Who cannot go on. */
import type { Finding } from '../check/finding.ts';
import type { Standing, Trace } from '../trace/trace.ts';

/**
 * The threads that a deadlock is about, and those that wait for a lock that one of them holds: nobody else can do what the
 * others wait for, if it is not these.
 */
export function whoIsStuck({ fault }: Finding, { standing }: Trace): readonly Standing[] {
  const stuck = new Set(standing.filter(({ thread }) => fault.sites.some((site) => site.thread === thread)));
  if (fault.kind === 'deadlock')
    for (const each of stuck) for (const other of standing) if (waitsFor(other, each)) stuck.add(other);
  return standing.filter((each) => stuck.has(each));
}

/** A set that grows while it is gone through is gone through to its end. */
const waitsFor = ({ thread, blocked, object, kind }: Standing, { thread: holder, held }: Standing): boolean =>
  blocked && kind === 'task' && thread !== holder && object !== null && held.includes(object);
