/** Source places: the built file and line that a trace records, mapped back to what a person wrote. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload, type SourceMapping } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TraceStep } from '../trace/trace.ts';

/** `actors/vfio/v6.6/group.ts:31`, relative to where the command was given; null if the place is not known. */
export type PlaceOf = (place: TraceStep['place']) => string | null;

/** Maps of files that are gone by the time a report is written, by file. */
export type KnownMaps = ReadonlyMap<string, SourceMapPayload>;

/** Maps are read when the first place of a file is asked for. */
export function placesFrom(cwd: string, known: KnownMaps = new Map()): PlaceOf {
  const maps = new Map<string, SourceMap | null>();
  const mapOf = (file: string): SourceMap | null => {
    let map = maps.get(file);
    if (map === undefined) {
      const payload = known.get(file) ?? readMap(file);
      map = payload === null ? null : new SourceMap(payload);
      maps.set(file, map);
    }
    return map;
  };
  return (place) => {
    if (place === null) return null;
    const { file, line } = original(mapOf(place.file), place);
    return `${relative(cwd, file) || file}:${line}`;
  };
}

function readMap(file: string): SourceMapPayload | null {
  if (!existsSync(`${file}.map`)) return null;
  return JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload;
}

function original(
  map: SourceMap | null,
  place: NonNullable<TraceStep['place']>,
): { readonly file: string; readonly line: number } {
  const entry: Partial<SourceMapping> = map?.findEntry(place.line - 1, place.column - 1) ?? {};
  const { originalSource, originalLine } = entry;
  if (originalSource === undefined || originalLine === undefined) return place;
  const source = originalSource.startsWith('file:') ? fileURLToPath(originalSource) : originalSource;
  return { file: resolve(dirname(place.file), source), line: originalLine + 1 };
}
