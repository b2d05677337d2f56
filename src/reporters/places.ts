/** Source places: the built file and line that a trace records, mapped back to what a person wrote. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
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

function original(map: SourceMap | null, place: NonNullable<TraceStep['place']>): { readonly file: string; readonly line: number } {
  // The trace keeps no column, so the first thing that the line was made from has to do.
  const entry = map === null ? {} : entryOfLine(map, place.line - 1);
  if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return place;
  const source = entry.originalSource.startsWith('file:') ? fileURLToPath(entry.originalSource) : entry.originalSource;
  return { file: resolve(dirname(place.file), source), line: entry.originalLine + 1 };
}

const MOST_INDENT = 200;

/** Entries begin at the first token of a line, wherever its indentation ends. */
function entryOfLine(map: SourceMap, line: number): ReturnType<SourceMap['findEntry']> {
  for (let column = 0; column < MOST_INDENT; column++) {
    const entry = map.findEntry(line, column);
    if ('generatedLine' in entry && entry.generatedLine === line) return entry;
  }
  return map.findEntry(line, 0);
}
