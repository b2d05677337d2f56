/** The two ways in which a run can be nobody's finding: the scenario is at fault, or the checker is. */

/** A fault of a scenario, a machine or an operation: what, where, and what to do about it. Exit code 2. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly next: string | null;

  constructor(message: string, next: string | null = null) {
    super(message);
    this.next = next;
  }
}

/** The compiled tables and the live actors disagree, or the checker broke its own rule. Exit code 4. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
