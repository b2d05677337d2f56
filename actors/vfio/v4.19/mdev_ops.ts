/** What mdev core is given at v4.19. */
import type { MdevCore, MdevDevice } from '../../../machines/vfio/v4.19/mdev.ts';
import type * as v4_10 from '../v4.10/mdev_ops.ts';

export interface Mdev extends v4_10.Mdev {
  readonly mdev_core: MdevCore;
}

export interface MdevPools extends v4_10.Pools {
  readonly mdev_device: MdevDevice;
}
