/** What went wrong in another thread, as it can be sent: an error comes out there as it went in here. */
import { InternalError, ModelError, messageOf } from '../model/errors.ts';

export interface Failure {
  /** The scenario, machine or schedule is at fault; else the checker itself is. */
  readonly isTheirs: boolean;
  readonly message: string;
  readonly next: string | null;
  readonly stack: string;
}

export function failureOf(error: unknown): Failure {
  const isTheirs = error instanceof ModelError;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { isTheirs, message: messageOf(error), next: isTheirs ? error.next : null, stack };
}

export const errorOf = ({ isTheirs, message, next, stack }: Failure): Error =>
  Object.assign(isTheirs ? new ModelError(message, next) : new InternalError(message), { stack });
