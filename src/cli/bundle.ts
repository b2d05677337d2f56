/** What esbuild makes of a user's file: itself and what it imports, beside the very modules that run already. */
import { type BuildFailure, build, type Plugin } from 'esbuild';
import { ModelError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import { behindDoor, builtFrom, doors } from './package.ts';

export interface Bundle {
  readonly code: string;
  readonly map: string;
}

/**
 * @param name how messages call the file
 * @throws ModelError with the places of the mistakes, if it cannot be read
 */
export async function bundleOf(file: string, outfile: string, name: string): Promise<Bundle> {
  try {
    const { outputFiles } = await build({
      entryPoints: [file],
      outfile,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'external',
      // Two functions of one name must not become `open` and `open2`: reports show the names.
      keepNames: true,
      logLevel: 'silent',
      banner: { js: REQUIRE },
      plugins: [ownModules],
    });
    const text = (path: string) => outputFiles.find((output) => output.path === path)?.text ?? '';
    return { code: text(outfile), map: text(`${outfile}.map`) };
  } catch (error) {
    throw isBuildFailure(error) ? unreadable(error, name) : error;
  }
}

/** For CommonJS modules that are bundled into a module. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** With a second instance of the contracts no handle would compare, and no scenario be recognised. */
const ownModules: Plugin = {
  name: 'interlock',
  setup(building) {
    building.onResolve({ filter: /^interlock(?:\/|$)/ }, ({ path }) => {
      const href = behindDoor(path);
      if (href !== null) return { path: href, external: true };
      const near = nearest(path, doors);
      const known = near === null ? `there are ${doors.join(', ')}` : `did you mean "${near}"?`;
      return { errors: [{ text: `There is no "${path}": ${known}` }] };
    });
    building.onResolve({ filter: /^xstate(?:\/|$)/ }, ({ path }) => ({ path: import.meta.resolve(path), external: true }));
    building.onResolve({ filter: /^\.\.?\// }, async ({ path, resolveDir, kind, importer, pluginData }) => {
      if (pluginData === ownModules || kind === 'entry-point') return undefined;
      const found = await building.resolve(path, { resolveDir, kind, importer, pluginData: ownModules });
      const href = found.errors.length > 0 ? null : builtFrom(found.path);
      return href === null ? undefined : { path: href, external: true };
    });
  },
};

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && Array.isArray((error as { errors?: unknown }).errors);

const MOST_ERRORS = 3;

function unreadable({ errors }: BuildFailure, name: string): ModelError {
  const said = errors.slice(0, MOST_ERRORS).map(({ text, location }) => {
    if (location === null) return text;
    const { file, line, column, lineText } = location;
    return [`${file}:${line}:${column + 1}: ${text}`, `  ${lineText}`, `  ${' '.repeat(column)}^`].join('\n');
  });
  const more = errors.length > MOST_ERRORS ? [`and ${errors.length - MOST_ERRORS} more`] : [];
  return new ModelError([`${name} cannot be read`, ...said, ...more].join('\n'), 'mend it there');
}
