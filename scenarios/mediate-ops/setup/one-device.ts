/** A device that is bound to vfio-pci, and a provider of mediate ops that is a module and bound to nothing. */
import * as rfc from '../../../actors/vfio/rfc-2019-12/index.ts';
import { globals, type HandleOf, type HandleTo, type Pool, pool } from '../../../machines/object.ts';
import { completion } from '../../../machines/sync/completion.ts';
import * as in2019 from '../../../machines/vfio/rfc-2019-12/index.ts';

export const objects = {
  vfio_pci: in2019.vfio_pci,
  igd_dt_ops: in2019.mediate_provider,
  pdev: in2019.pci_dev,
  reflck: in2019.vfio_pci_reflck,
  vdev: in2019.vfio_pci_device,
  mentry: pool(in2019.vfio_pci_mediate_ops_list_entry),
  igd_device: pool(in2019.mediated_dev, 2),
};
export const start = in2019.bound({ vdev: 'vdev', pdev: 'pdev', reflck: 'reflck' });

/** What the threads of a variant get for its objects. */
export type HandlesOf<O> = { readonly [K in keyof O]: O[K] extends Pool<infer T> ? HandleOf<T> : HandleTo<O[K]> };
export type OneDevice = HandlesOf<typeof objects>;

/** vfio-pci with one provider. */
export const withProvider = (
  { vfio_pci, igd_dt_ops, mentry }: OneDevice,
  design: rfc.MediateDesign,
  ops: rfc.VfioPciMediateOps,
): rfc.VfioPciDriver => ({ vfio_pci, design, entry: mentry, providers: { [igd_dt_ops.path]: ops } });

/** The sample driver. */
export const withIgd = (
  o: OneDevice,
  design: rfc.MediateDesign,
  supports: readonly in2019.PciDev[] = [o.pdev],
): rfc.VfioPciDriver => withProvider(o, design, rfc.igd_dt_ops({ self: o.igd_dt_ops, pool: o.igd_device, supports }));

/** What user space waits for, and lets others wait for. */
export const host = globals('host', { ready: completion() });
