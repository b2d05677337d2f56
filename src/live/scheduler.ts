/** The scheduler: the operator between requests and objects, and the only source of choice. */
import { concatMap, filter, from, map, type Observable, of } from 'rxjs';
import type { BusMessage, Grant } from './bus.ts';

/** A step that could be taken now. */
export interface Option {
  readonly thread: string;
  readonly way: number;
  readonly wayName: string;
  /** The thread's step offers other ways, enabled or not. */
  readonly hasOtherWays: boolean;
  readonly event: string;
  readonly object: string;
  /** As C code spells it. */
  readonly c: string;
}

/** Who goes next. Null ends the run where it is. */
export interface Strategy {
  readonly name: string;
  choose(options: readonly Option[], last: string | null): Option | null | Promise<Option | null>;
}

/** Each time a thread has come to stand before a step, one of the steps that can be taken is granted. */
export const schedule =
  (strategy: Strategy, options: () => readonly Option[]) =>
  (messages: Observable<BusMessage>): Observable<Grant | null> => {
    let last: string | null = null;
    return messages.pipe(
      filter((message) => message.type === 'request'),
      concatMap(() => {
        const now = options();
        const choice = now.length === 0 ? null : strategy.choose(now, last);
        return choice instanceof Promise ? from(choice) : of(choice);
      }),
      map((choice) => {
        if (choice === null) return null;
        last = choice.thread;
        return { type: 'grant', thread: choice.thread, way: choice.way };
      }),
    );
  };
