/** Where a scenario of the mediate ops begins: what `start` says of devices that are bound to vfio-pci already. */
import type { Json } from '../../object.ts';

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** The names are those that the scenario gives its objects. */
export interface BoundStart {
  readonly vdev: string;
  readonly pdev: string;
  readonly reflck: string;
}

const at = (name: string) => ({ value: { at: name } });

/** What `start` says of devices that vfio-pci has probed, and that nobody has open. */
export const bound = (...devices: readonly BoundStart[]): Start =>
  Object.assign({}, ...devices.map(({ vdev, pdev, reflck }) => ({ [`${vdev}.pdev`]: at(pdev), [`${vdev}.reflck`]: at(reflck) })));
