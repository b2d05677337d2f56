/** The files under a folder, in order of their names. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const NEVER = new Set(['node_modules', '.git']);

export async function walk(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const inOrder = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const files = await Promise.all(
    inOrder.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return NEVER.has(entry.name) ? [] : walk(path);
      return entry.isFile() ? [path] : [];
    }),
  );
  return files.flat();
}

/** Source of scenarios, and neither types nor maps. */
export const isSource = (file: string): boolean => /\.(?:ts|mts|js|mjs)$/.test(file) && !/\.d\.m?ts$/.test(file);
