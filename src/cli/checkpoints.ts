/** The checkpoint of one search: saved now and then and when it is stopped, and gone when it has ended by itself. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Resumption } from '../explore/checkpoint.ts';
import type { Checkpoint, Origin, Progress } from '../explore/found.ts';
import { messageOf } from '../model/errors.ts';
import { count } from '../reporters/layout.ts';
import { make } from './schedule-folder.ts';

/** Hidden, beside the folder of schedules, which is there to be read. */
export const USUAL_CHECKPOINTS = '.interlock';

/** What a search loses at most when it is killed. */
const EVERY_MS = 60_000;
/** Nor is more than a twentieth of the time spent on it, however great it has become. */
const LEAST_SHARE = 20;

export interface SaverOptions {
  readonly folder: string;
  readonly origin: Origin;
  /** Told when one could not be saved: the search goes on without. */
  readonly warn: (lines: readonly string[]) => void;
  readonly now?: () => number;
}

export class Saver {
  readonly file: string;
  private readonly options: SaverOptions;
  private readonly now: () => number;
  private next: number;
  private hasWarned = false;

  constructor(options: SaverOptions) {
    const { folder, origin } = options;
    // No two names have the same file.
    this.file = join(folder, `${encodeURIComponent(origin.scenario)}@${encodeURIComponent(origin.variant)}.checkpoint`);
    this.options = options;
    this.now = options.now ?? (() => performance.now());
    this.next = this.now() + EVERY_MS;
  }

  /**
   * @returns where the search goes on; null where none was stopped
   * @throws ModelError if the checkpoint is damaged, or of another version
   */
  resumption(): Resumption | null {
    if (!existsSync(this.file)) return null;
    const resumption = new Resumption(this.file);
    resumption.refuseUnless(this.options.origin);
    return resumption;
  }

  /** Wherever the search looks up: saves if the last time is long enough ago. A search of less than a minute is not saved. */
  turn({ checkpoint }: Pick<Progress, 'checkpoint'>): void {
    if (checkpoint === undefined || this.now() < this.next) return;
    const began = this.now();
    this.save(checkpoint);
    const took = this.now() - began;
    this.next = this.now() + Math.max(EVERY_MS, LEAST_SHARE * took);
  }

  /**
   * When the search has stopped, before anything else is done with its program.
   * @param checkpoint null if it has ended by itself
   * @returns whether it was saved, so that it can be gone on with
   */
  stopped(checkpoint: Checkpoint | null): boolean {
    return checkpoint !== null && this.save(checkpoint);
  }

  /** When the verdict is out, and nothing was left out on the way to it. */
  discard(): void {
    rmSync(this.file, { force: true });
  }

  private save(checkpoint: Checkpoint): boolean {
    const { folder, origin, warn } = this.options;
    try {
      if (!existsSync(folder)) {
        make(resolve(folder));
        writeFileSync(join(folder, '.gitignore'), '*\n');
      }
      checkpoint.save(this.file, origin);
      return true;
    } catch (error) {
      // What is not the file system's fault is the checker's.
      if (!(error instanceof Error && 'code' in error)) throw error;
      if (!this.hasWarned) warn(notSaved(this.file, messageOf(error)));
      this.hasWarned = true;
      return false;
    }
  }
}

export const notSaved = (file: string, why: string): readonly string[] => [
  `interlock: no checkpoint can be written to "${file}": ${why}`,
  'The search goes on; if it is stopped, it begins anew. Next: choose another folder with --checkpoints.',
];

/** @param command what was typed, without the options for checkpoints */
export const saved = (file: string, command: string): string => `Saved in ${file}; go on from there with: ${command} --resume`;

export const resuming = ({ states }: Resumption): string => `interlock: going on from a checkpoint of ${count(states, 'state')}`;

/** @param name scenario and variant */
export const nothingToResume = (name: string, folder: string): string =>
  `interlock: there is no checkpoint of ${name} in ${folder}; the search begins at the start`;
