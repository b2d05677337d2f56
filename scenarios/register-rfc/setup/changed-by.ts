/**
 * Kernel code of which some steps are other than in the source: without the line that protects, to show what it is good
 * for; or with a call that fails.
 */
import { choose, type Message, type Operation, type Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';

/**
 * What is done in the place of a step; null leaves it as it is.
 * @param along what else moves in that step
 */
type Change = (step: Message, along: readonly Message[], asItIs: () => Operation<Json>) => Operation<Json | void> | null;

/** Here and below the bare yield hands on what the operation itself has yielded. */
function* only(step: Step): Operation<Json> {
  return yield step;
}

export function* changedBy<R>(change: Change, operation: Operation<R>): Operation<R> {
  let answer: Json = null;
  for (;;) {
    const next = operation.next(answer);
    if (next.done) return next.value;
    const { value } = next;
    const [step, ...along] = 'step' in value ? value.step[0].messages : [];
    const instead = step === undefined ? null : change(step, along, () => only(value as Step));
    answer = instead === null ? yield value : ((yield* instead) ?? null);
  }
}

function* nothing(): Operation {}

/** Neither taken nor released. */
export const withoutLock = <R>({ path }: { readonly path: string }, operation: Operation<R>): Operation<R> =>
  changedBy(({ object }) => (object === path ? nothing() : null), operation);

function* orFails(failure: string, errno: number, asItIs: () => Operation<Json>): Operation<Json> {
  return (yield* choose(failure, 'succeeds', 'fails')) === 'fails' ? -errno : yield* asItIs();
}

/** @param calls which calls may fail for want of memory or numbers, and with which errno */
export const mayFail = <R>(calls: { readonly [name: string]: number }, operation: Operation<R>): Operation<R> =>
  changedBy(({ event: { type } }, _along, asItIs) => {
    const errno = calls[type];
    return errno === undefined ? null : orFails(`${type}()`, errno, asItIs);
  }, operation);
