/** One variant checked, with its checkpoint: saved now and then, gone on from, and gone when nothing is left out. */
import { type CheckOptions, type CheckResult, checkVariant } from '../check/check.ts';
import { isResumable } from '../check/strategy.ts';
import type { Progress } from '../explore/found.ts';
import { ModelError } from '../model/errors.ts';
import type { Scenario } from '../model/scenario.ts';
import { nothingToResume, resuming, Saver, saved } from './checkpoints.ts';
import { version } from './package.ts';

/** What can be told to another thread: everything but the scenario itself. */
export interface JobOptions {
  readonly search: Omit<CheckOptions, 'onProgress' | 'from' | 'onStopped'>;
  /** Where checkpoints are; null for none. */
  readonly checkpoints: string | null;
  /** Go on from there. */
  readonly resume: boolean;
  /** What was typed, without the options for checkpoints. */
  readonly command: string;
}

export interface JobHooks {
  onProgress(progress: Progress): void;
  /** Why to stop; null to go on. */
  readonly reason: () => string | null;
  readonly warn: (lines: readonly string[]) => void;
}

export async function checkJob(
  scenario: Scenario,
  variant: string,
  { search, checkpoints, resume, command }: JobOptions,
  hooks: JobHooks,
): Promise<CheckResult> {
  const name = `${scenario.name}/${variant}`;
  const origin = { scenario: scenario.name, variant, version };
  const saver =
    checkpoints !== null && isResumable(search.how) ? new Saver({ folder: checkpoints, origin, warn: hooks.warn }) : null;
  if (resume && saver === null)
    throw new ModelError(
      'Only a search that stores states, in one thread, can be gone on with',
      'leave out --resume, or the other strategy or --workers',
    );
  const from = resume ? (saver?.resumption() ?? null) : null;
  if (resume) hooks.warn([from === null ? nothingToResume(name, checkpoints ?? '') : resuming(from)]);
  const result = await checkVariant(scenario, variant, {
    ...search,
    from,
    onProgress: (progress) => {
      if (progress !== null) {
        saver?.turn(progress);
        hooks.onProgress(progress);
      }
      return hooks.reason();
    },
    onStopped: (checkpoint) => {
      if (saver?.stopped(checkpoint)) hooks.warn([saved(saver.file, command)]);
    },
  });
  if (result.cut === null) saver?.discard();
  return result;
}
