/** All results of a check as one document, in each format but the text, which is printed while others are still searched. */
import { relative } from 'node:path';
import type { CheckResult } from '../check/check.ts';
import type { Finding } from '../check/finding.ts';
import { render } from '../document/render.ts';
import { checkDocument, type CheckDocumentOptions } from '../reporters/check-document.ts';
import { checkJson } from '../reporters/json.ts';
import { placesFrom } from '../reporters/places.ts';
import { sarif } from '../reporters/sarif.ts';
import type { Job } from './check-pool.ts';
import { bundleMaps } from './load-file.ts';
import { version } from './package.ts';

export const FORMATS = ['text', 'markdown', 'rst', 'json', 'sarif'] as const;
export type Format = (typeof FORMATS)[number];

/** A result with the commands that play its findings again. */
export interface Reported {
  readonly result: CheckResult;
  readonly job: Job;
  readonly replay: (finding: Finding) => string;
}

type Options = Omit<CheckDocumentOptions, 'replay' | 'windows'>;

export function asDocument(format: Exclude<Format, 'text'>, came: readonly Reported[], options: Options): string {
  const results = came.map(({ result }) => result);
  const of = new Map(came.map((reported) => [reported.result, reported]));
  switch (format) {
    case 'json':
      return JSON.stringify(checkJson(results, options.allSteps), null, 2);
    case 'sarif': {
      const fileOf = (result: CheckResult) => relative(process.cwd(), of.get(result)?.job.file ?? '');
      return JSON.stringify(sarif(results, { version, placeOf: placesFrom(process.cwd(), bundleMaps), fileOf }), null, 2);
    }
    case 'markdown':
    case 'rst': {
      const { allSteps, detail, placeOf } = options;
      const optionsOf = (result: CheckResult) => ({
        allSteps,
        detail,
        placeOf,
        replay: of.get(result)?.replay ?? null,
        windows: result.windows,
      });
      return render(checkDocument(results, optionsOf), format).trimEnd();
    }
  }
}
