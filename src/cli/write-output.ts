/** What a command was told to write somewhere else than to stdout. */
import { writeFileSync } from 'node:fs';
import { ModelError, messageOf } from '../model/errors.ts';

/** @throws ModelError if it cannot be written */
export function writeOutput(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new ModelError(`"${file}" cannot be written: ${messageOf(error)}`, 'choose another file with -o');
  }
}
