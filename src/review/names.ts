/** Fields and locks by class, as lockdep and a reviewer speak of them: `vfio_group->device_lock`, `vfio.device_lock`. */
import type { Program } from '../tables/program.ts';

export interface Named {
  /** The object of the scenario, `group`, and the part, `group.device_lock`. */
  readonly instance: string;
  readonly path: string;
  /** The struct with the part, which all objects of one struct share; of a file-scope variable, itself. */
  readonly class: string;
  /** The machine that it is: `mutex`, `refcount`. */
  readonly type: string;
}

/** @returns the parts of the variant by slot; null for what is no part of a struct */
export function namesOf({ world }: Program): readonly (Named | null)[] {
  const structs = new Map(world.instances.map(({ name, struct }) => [name, struct]));
  return world.slots.map(({ path, part }) => {
    const dot = path.lastIndexOf('.');
    const instance = path.slice(0, dot);
    const struct = structs.get(instance);
    const field = path.slice(dot + 1);
    if (struct?.parts[field] === undefined) return null;
    return {
      instance,
      path,
      class: struct.lifetime === 'static' ? path : `${struct.name}->${field}`,
      type: part.machine.id,
    };
  });
}
