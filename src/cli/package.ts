/** Where this package lies, and what it offers. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** dist/src/cli/ lies three folders down. */
const root = new URL('../../../', import.meta.url);

/** With a slash at its end. */
export const packageRoot = fileURLToPath(root);
export const builtActors = fileURLToPath(new URL('dist/actors/', root));
export const builtScenarios = fileURLToPath(new URL('dist/scenarios/', root));

interface Manifest {
  readonly version: string;
  readonly exports: { readonly [door: string]: string };
}
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest;

export const { version } = manifest;

/** The names under which modules of this package are imported: `interlock`, `interlock/primitives`, … */
export const doors: readonly string[] = Object.keys(manifest.exports).map((door) => `interlock${door.slice(1)}`);

/** The built module behind such a name; null if there is none. */
export function behindDoor(name: string): string | null {
  const target = manifest.exports[`.${name.slice('interlock'.length)}`];
  return target === undefined ? null : new URL(target, root).href;
}

/** The built module of a source file of the checker or of its models; null for all other files. */
export function builtFrom(file: string): string | null {
  if (!file.startsWith(packageRoot)) return null;
  const path = file.slice(packageRoot.length);
  if (!/^(src|actors|machines)\/.*\.ts$/.test(path)) return null;
  const built = new URL(`dist/${path.replace(/\.ts$/, '.js')}`, root);
  return existsSync(built) ? built.href : null;
}
