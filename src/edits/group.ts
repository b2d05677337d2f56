/** What belongs together, by what it has in common, in the order in which it comes. */
export function grouped<T>(items: readonly T[], by: (item: T) => unknown): readonly (readonly T[])[] {
  const groups = new Map<unknown, T[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group === undefined) groups.set(by(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
