/** Errors on their way from thread to thread, where they would lose their class. */
import { InternalError, ModelError } from '../../model/errors.ts';

export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** What to do about it, where it is a fault of the model. */
  readonly next: string | null;
}

export function packed(error: unknown): PackedError {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return { name, message, stack, next: error instanceof ModelError ? error.next : null };
}

export function unpacked({ name, message, stack, next }: PackedError): Error {
  const error = errorOf(name, message, next);
  error.stack = stack;
  return error;
}

function errorOf(name: string, message: string, next: string | null): Error {
  if (name === 'ModelError') return new ModelError(message, next);
  if (name === 'InternalError') return new InternalError(message);
  return name === 'RangeError' ? new RangeError(message) : new Error(message);
}
