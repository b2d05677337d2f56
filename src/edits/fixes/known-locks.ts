/** The locks of which it is known from the code how they are taken and released: a fix can take them elsewhere. */
import type { Message } from '../../../actors/step.ts';
import type { Flow } from '../flow.ts';

export interface KnownLock {
  readonly object: string;
  /** As C spells it: `&vfio.device_lock`. */
  readonly name: string;
  /** If the first queues, the second waits. */
  readonly take: readonly [Message, Message?];
  readonly release: Message;
}

/** Those that keep all others out, in the order of their paths. */
export function knownLocks({ sites }: Flow): readonly KnownLock[] {
  const takes = new Map<string, Message>();
  const waits = new Map<string, Message>();
  const releases = new Map<string, Message>();
  for (const stand of sites.stands) {
    const message = stand?.step.step[0].messages[0];
    if (message === undefined) continue;
    const { object, means } = message;
    if (means.mode === 'shared' || means.interrupt) continue;
    if (means.kind === 'release') releases.set(object, message);
    if (means.kind !== 'acquire') continue;
    if (means.try && !means.queues) continue;
    const known = takes.get(object);
    // The step that waits is one of those that follow the one that queues.
    if (known?.means.queues && !means.queues) waits.set(object, message);
    else if (means.queues && known !== undefined && !known.means.queues) {
      waits.set(object, known);
      takes.set(object, message);
    } else if (known === undefined) takes.set(object, message);
  }
  return [...takes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([object, take]) => {
      const release = releases.get(object);
      const wait = waits.get(object);
      if (release === undefined) return [];
      const name = argumentOf(sites.spell(take));
      return [{ object, name, take: wait === undefined ? [take] : [take, wait], release } as const];
    });
}

const argumentOf = (c: string): string => /\(([^,()]*)/.exec(c)?.[1] ?? c;
