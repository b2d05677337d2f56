/** The folder into which the schedules of findings are written, whole or not at all. */
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ModelError, messageOf } from '../model/errors.ts';
import { formatSchedule, type Schedule } from '../trace/schedule.ts';

const NEXT = 'choose another folder with --schedules, or read the schedules from --json';

export class ScheduleFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Before a long search rather than after it: whether something can be written there at all. @throws ModelError */
  refuseIfUnusable(): void {
    let folder = resolve(this.path);
    while (!existsSync(folder)) folder = dirname(folder);
    try {
      if (!statSync(folder).isDirectory()) throw new Error('it is a file');
      accessSync(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw this.refusal(error);
    }
  }

  /** @returns the path of the file. @throws ModelError */
  write(schedule: Schedule): string {
    const { scenario, variant, finding } = schedule;
    const name = [scenario, variant, finding ?? 'run'].map(safe).join('.');
    const file = join(this.path, `${name}.schedule`);
    const unfinished = join(this.path, `.${name}.${process.pid}.tmp`);
    try {
      make(resolve(this.path));
      writeFileSync(unfinished, formatSchedule(schedule));
      renameSync(unfinished, file);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw this.refusal(error);
    }
    return file;
  }

  private refusal(error: unknown): ModelError {
    return new ModelError(`No schedule can be written to "${this.path}": ${messageOf(error)}`, NEXT);
  }
}

/** Folder by folder: `mkdirSync()` with `recursive` never returns where the kernel says ENOENT, as in /proc. */
export function make(folder: string): void {
  if (existsSync(folder)) return;
  make(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another check may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

const safe = (name: string): string => name.replace(/[^\w-]+/g, '-');
