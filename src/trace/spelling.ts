/** How a step reads in C: `mutex_lock(&group->device_lock)`. */
import type { Message } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';
import { plainName } from '../model/names.ts';

/** `device.refcount` is `device->refcount`; what lies in a file-scope variable keeps its dot. */
export function spellObject(path: string, isStatic: boolean): string {
  const [object = path, ...fields] = plainName(path).split('.');
  return fields.length === 0 ? object : `${object}${isStatic ? '.' : '->'}${fields.join('.')}`;
}

const spellValue = (value: Json): string => {
  if (typeof value === 'string') return `"${value}"`;
  const name = typeof value === 'object' && value !== null && 'at' in value ? (value as { at?: Json }).at : null;
  return typeof name === 'string' ? plainName(name) : JSON.stringify(value);
};

export function spell({ object, event, c }: Message, isStatic: boolean): string {
  const subject = spellObject(object, isStatic);
  if (c !== undefined) return c.replaceAll('$', subject);
  const { type, by: _by, ...asked } = event;
  return `${type}(${[`&${subject}`, ...Object.values(asked).map(spellValue)].join(', ')})`;
}
