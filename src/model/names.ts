/** A pool slot carries the name of its thread (`unbound@probe`), which nobody outside has to know. */
export const plainName = (path: string): string => path.replace(/@[^.]*/, '');

/** The state of a chart as one name, also where it has regions or states within states. */
export const stateName = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
