/** include/linux/completion.h: the calls on a struct completion. */
import type { Handle } from '../../machines/object.ts';
import type { Completion } from '../../machines/sync/completion.ts';
import { access, message, type Message, type Operation, oneOf } from '../step.ts';
import { ERESTARTSYS } from '../../machines/sync/errno.ts';

type C = Handle<Completion>;

/** The one access that the completion's own lock does not guard. */
const plain = { kind: 'write', plain: true } as const;
export const init_completion = access<Completion, 'init_completion'>(plain, 'init_completion');
export const reinit_completion = access<Completion, 'reinit_completion'>(plain, 'reinit_completion');
export const complete = access<Completion, 'complete'>('signal', 'complete');
export const complete_all = access<Completion, 'complete_all'>('signal', 'complete_all');
/** Where there is something done it has taken the completion's lock, after whoever did it. */
export const completion_done = access<Completion, 'completion_done'>(
  { kind: 'read', orders: { true: 'acquire' } },
  'completion_done',
);
export const try_wait_for_completion = access<Completion, 'try_wait_for_completion'>(
  { kind: 'wait', try: true },
  'try_wait_for_completion',
);
export const wait_for_completion = access<Completion, 'wait_for_completion'>('wait', 'wait_for_completion');

/** What is left of the time: as good as all of it, or as good as nothing. */
const REMAINING = 1;

const wait = (x: C, spelled: string) =>
  message<Completion, 'wait_for_completion'>('wait', x, 'wait_for_completion', undefined, { c: spelled });
const timeout = (x: C, spelled: string) =>
  message<Completion, 'timeout'>('read', x, 'timeout', undefined, { c: `${spelled}: time is up` });
const signal = (x: C, spelled: string) =>
  message<Completion, 'signal'>('read', x, 'signal', undefined, { c: `${spelled}: a signal` });

/** @returns 0 when the time is up, else what is left of it */
export function* wait_for_completion_timeout(x: C): Operation<number> {
  const c = 'wait_for_completion_timeout(&$)';
  const { way } = yield* oneOf({ done: wait(x, c), timeout: timeout(x, c) });
  return way === 'done' ? REMAINING : 0;
}

/** @returns 0, or -ERESTARTSYS on a signal */
export function* wait_for_completion_interruptible(x: C): Operation<number> {
  const c = 'wait_for_completion_interruptible(&$)';
  const { way } = yield* oneOf({ done: wait(x, c), signal: signal(x, c) });
  return way === 'done' ? 0 : -ERESTARTSYS;
}

/** @returns 0, or -ERESTARTSYS on a fatal signal */
export function* wait_for_completion_killable(x: C): Operation<number> {
  const c = 'wait_for_completion_killable(&$)';
  const { way } = yield* oneOf({ done: wait(x, c), signal: signal(x, c) });
  return way === 'done' ? 0 : -ERESTARTSYS;
}

/**
 * @param heard what charts see of a signal
 * @returns what is left of the time, 0 when it is up, -ERESTARTSYS on a signal
 */
export function* wait_for_completion_interruptible_timeout(x: C, ...heard: readonly Message[]): Operation<number> {
  const c = 'wait_for_completion_interruptible_timeout(&$)';
  const { way } = yield* oneOf({ done: wait(x, c), timeout: timeout(x, c), signal: [signal(x, c), ...heard] });
  return way === 'done' ? REMAINING : way === 'timeout' ? 0 : -ERESTARTSYS;
}
