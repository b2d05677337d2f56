/** A virtual function that is bound to vfio-pci, whose physical function has a driver that mediates it. */
import * as rfc from '../../../actors/vfio/rfc-2019-12/index.ts';
import { pool } from '../../../machines/object.ts';
import * as in2019 from '../../../machines/vfio/rfc-2019-12/index.ts';
import { type HandlesOf, objects as one, start as oneStart } from './one-device.ts';

export const objects = {
  ...one,
  /** Two providers, registered by one task. */
  mentry: pool(in2019.vfio_pci_mediate_ops_list_entry, 2),
  pf: in2019.pci_dev,
  i40e_ops: in2019.mediate_provider,
  i40e_vf_dev: pool(in2019.mediated_dev, 2),
  region: pool(in2019.vfio_pci_region, 2),
};
export type VirtualFunction = HandlesOf<typeof objects>;

/** `pdev` is the virtual function. */
export const start = { ...oneStart, 'pdev.physfn': { value: { at: 'pf' } } };

/** RFC 3/9, and 2/9 where nothing else is said. */
export const series = (o: Pick<VirtualFunction, 'region'>, more: Partial<rfc.Series> = {}): rfc.Series => ({
  migrationRegion: { region: o.region },
  testsRegionOps: 'as posted',
  ...more,
});

/** Both providers of the series take the virtual function. */
export const withI40e = (
  o: VirtualFunction,
  design: rfc.MediateDesign,
  of: rfc.Series = series(o),
  i40e: Partial<rfc.VfioPciMediateOps> = {},
): rfc.VfioPciDriver => ({
  vfio_pci: o.vfio_pci,
  design,
  entry: o.mentry,
  series: of,
  providers: {
    [o.igd_dt_ops.path]: rfc.igd_dt_ops({ self: o.igd_dt_ops, pool: o.igd_device, supports: [o.pdev] }),
    [o.i40e_ops.path]: { ...rfc.i40e_vf_migration_ops({ self: o.i40e_ops, pool: o.i40e_vf_dev, vfs: [o.pdev] }), ...i40e },
  },
});
