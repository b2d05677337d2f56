/** A pool slot carries the name of its thread (`unbound@probe`), which nobody outside has to know. */
export const plainName = (path: string): string => path.replace(/@[^.]*/, '');
