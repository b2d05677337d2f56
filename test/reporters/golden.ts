/** Whole reports, pinned. `UPDATE_GOLDEN=1 npx ava` writes them anew; the difference is then for a person to read. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';

/** From dist/test/reporters/. */
const folder = new URL('../../../test/golden/', import.meta.url);

export function isGolden(t: ExecutionContext, name: string, text: string): void {
  const file = new URL(name, folder);
  if (process.env['UPDATE_GOLDEN'] !== undefined) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  t.is(
    text,
    existsSync(file) ? readFileSync(file, 'utf8') : '',
    `test/golden/${name} says otherwise; UPDATE_GOLDEN=1 writes it anew`,
  );
}
