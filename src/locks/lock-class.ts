/**
 * Locks as the lock validator of the kernel sees them (kernel/locking/lockdep.c, v6.1): by class. All locks that are
 * initialised in one place are of one class: here, that field of all instances of one struct; a file-scope variable has
 * classes of its own. A nested acquire names a subclass, which is a class beside it.
 */
import type { Struct } from '../../machines/object.ts';
import type { World } from '../model/world.ts';

export interface LockClass {
  /** Tells it from all others. */
  readonly key: string;
  /** As reports spell it: `&group->group_lock`, `vfio.device_lock`, `&node->lock/1`. */
  readonly name: string;
}

export class LockClasses {
  private readonly world: World;
  private readonly known = new Map<string, LockClass | null>();

  constructor(world: World) {
    this.world = world;
  }

  /** @returns null for a lock of which no order is kept */
  of(path: string, subclass: number): LockClass | null {
    const key = `${path}/${subclass}`;
    let found = this.known.get(key);
    if (found === undefined) this.known.set(key, (found = this.make(path, subclass)));
    return found;
  }

  private make(path: string, subclass: number): LockClass | null {
    const { instances, slots } = this.world;
    const instance = instances.find(({ name }) => path.startsWith(`${name}.`));
    if (instance === undefined || slots.find((slot) => slot.path === path)?.part.novalidate === true) return null;
    const { name, struct } = instance;
    const field = path.slice(name.length + 1);
    const nested = subclass === 0 ? '' : `/${subclass}`;
    if (struct.lifetime === 'static') return { key: `${name}.${field}${nested}`, name: `${name}.${field}${nested}` };
    return { key: `struct ${struct.name}.${field}${nested}`, name: `&${this.pointerTo(struct, name)}->${field}${nested}` };
  }

  /** The only instance of a struct goes by its name. */
  private pointerTo(struct: Struct, name: string): string {
    const alike = this.world.instances.filter((other) => other.struct.name === struct.name);
    return alike.length === 1 ? name.replace(/@.*/, '') : struct.name;
  }
}
