/** The one bus on which everything that happens in a live run is said. */
import { type Observable, observeOn, queueScheduler, Subject, share } from 'rxjs';
import type { Answer } from '../tables/answer.ts';
import type { Send } from '../model/world.ts';
import type { TraceStep } from '../trace/trace.ts';

export type BusMessage =
  /** A thread stands before its next step, or has none; null when the run begins. */
  | { readonly type: 'request'; readonly thread: string | null }
  | { readonly type: 'grant'; readonly thread: string; readonly way: number }
  | { readonly type: 'deliver'; readonly slot: number; readonly event: Send['event'] }
  | { readonly type: 'answer'; readonly slot: number; readonly answer: Answer }
  | { readonly type: 'step'; readonly step: TraceStep };

export type Grant = Extract<BusMessage, { type: 'grant' }>;

export interface Bus {
  readonly messages: Observable<BusMessage>;
  say(message: BusMessage): void;
  /** Like a subscription, but what the listener throws ends the run, where RxJS would rethrow it later and elsewhere. */
  listen(listener: (message: BusMessage) => void): void;
  onFailure(listener: (error: unknown) => void): void;
  close(): void;
}

/**
 * One queue before the fan-out: a message that is said while another is being heard waits until all have heard that
 * one. Without it a late subscriber sees the answer before the request.
 */
export function createBus(): Bus {
  const subject = new Subject<BusMessage>();
  const messages = subject.pipe(observeOn(queueScheduler), share());
  let fail: (error: unknown) => void = () => {};
  return {
    messages,
    say: (message) => subject.next(message),
    listen: (listener) =>
      messages.subscribe((message) => {
        try {
          listener(message);
        } catch (error) {
          fail(error);
        }
      }),
    onFailure: (listener) => {
      fail = listener;
    },
    close: () => subject.complete(),
  };
}
