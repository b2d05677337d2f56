/** A schedule from the command line itself, from a file, from stdin or from the environment. */
import { readFileSync, statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { ModelError, messageOf } from '../model/errors.ts';
import { looksLikeSchedule, parseSchedule, type Schedule } from '../trace/schedule.ts';

export const VARIABLE = 'INTERLOCK_SCHEDULE';

const asGiven = (words: readonly string[]): string => (words.length === 0 ? (process.env[VARIABLE] ?? '') : words.join(' '));

/** @returns the folder that is given in place of a schedule, if it is one */
export function folderIn(words: readonly string[]): string | null {
  const given = asGiven(words);
  return !looksLikeSchedule(given) && statSync(given, { throwIfNoEntry: false })?.isDirectory() ? given : null;
}

/** @throws ModelError if there is none, or it cannot be read */
export async function readSchedule(words: readonly string[]): Promise<Schedule> {
  const given = asGiven(words);
  if (given.trim() === '')
    throw new ModelError(
      'No schedule is given',
      `interlock replay FILE or FOLDER, or the text itself, or "-" for stdin, or ${VARIABLE}`,
    );
  if (looksLikeSchedule(given)) return parseSchedule(given);
  if (words.length > 1) throw new ModelError('More than one schedule is given', 'put a schedule that is pasted into quotes');
  return given === '-' ? parseSchedule(await text(process.stdin)) : fromFile(given);
}

const WHY: { readonly [code: string]: string } = { ENOENT: 'there is no such file' };

export function fromFile(path: string): Schedule {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const why = WHY[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
    throw new ModelError(`The schedule "${path}" cannot be read: ${why}`, 'interlock check writes schedules to schedules/');
  }
  try {
    return parseSchedule(content);
  } catch (error) {
    throw error instanceof ModelError ? new ModelError(`${path}: ${error.message}`, error.next) : error;
  }
}
