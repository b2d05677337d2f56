/** How a step reads in C: `mutex_lock(&group->device_lock)`. */
import type { Message } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';

/** `device.refcount` is `device->refcount`; what lies in a file-scope variable keeps its dot. */
export function spellObject(path: string, isStatic: boolean): string {
  const [object = path, ...fields] = path.replace(/@[^.]*/, '').split('.');
  return fields.length === 0 ? object : `${object}${isStatic ? '.' : '->'}${fields.join('.')}`;
}

const spellValue = (value: Json): string =>
  typeof value === 'object' && value !== null && 'at' in value
    ? String(value.at).replace(/@[^.]*/, '')
    : typeof value === 'string'
      ? `"${value}"`
      : JSON.stringify(value);

export function spell({ object, event, c }: Message, isStatic: boolean): string {
  const subject = spellObject(object, isStatic);
  if (c !== undefined) return c.replaceAll('$', subject);
  const { type, by: _by, ...asked } = event;
  return `${type}(${[`&${subject}`, ...Object.values(asked).map(spellValue)].join(', ')})`;
}
