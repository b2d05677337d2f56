/** In the order in which each group was first met. */
export function groupBy<T, K>(all: Iterable<T>, keyOf: (each: T) => K): ReadonlyMap<K, readonly [T, ...T[]]> {
  const groups = new Map<K, [T, ...T[]]>();
  for (const each of all) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}

export const unique = <T>(all: Iterable<T>): readonly T[] => [...new Set(all)];
