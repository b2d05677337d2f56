/** How a review spells locks, functions and places. */
import type { Place } from '../../review/site.ts';
import { listed } from '../layout.ts';
import type { PlaceOf } from '../places.ts';

export const address = (lock: string): string => `\`&${lock}\``;
export const code = (text: string): string => `\`${text}\``;

export const calls = (functions: readonly string[]): string => listed([...new Set(functions)].map((name) => `\`${name}()\``));

/** `actors/vfio/v6.6/group.ts:31`, in code; nothing where it is not known. */
export function at(place: Place | null, placeOf: PlaceOf): string {
  const found = placeOf(place);
  return found === null ? '' : ` at \`${found}\``;
}
