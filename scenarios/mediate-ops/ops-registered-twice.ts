/**
 * One set of ops is registered twice, as by a driver that does so for each physical function that it probes.
 *
 * Each registration is an entry of its own, and an open counts up the one that it comes upon first. When the driver leaves it
 * takes one from each: an entry that was counted is freed, one that was not goes to -1 and stays. The design that holds its
 * providers refuses the second registration.
 */
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { pool } from '../../machines/object.ts';
import { EEXIST } from '../../machines/sync/errno.ts';
import * as in2019 from '../../machines/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateLaws, mediateLeaks } from '../laws/mediate.ts';
import { objects as one, type OneDevice, start, withIgd } from './setup/one-device.ts';

const again = local<number>('again');
const first = local<number>('first');
const unloaded = local<number>('unloaded');
const second = local<number>('second');

const objects = { ...one, mentry: pool(in2019.vfio_pci_mediate_ops_list_entry, 2) };

const design = (of: rfc.MediateDesign) => ({
  objects,
  start,
  threads: (o: OneDevice) => {
    const driver = withIgd(o, of);
    return {
      user: [
        call(of.register, driver, o.igd_dt_ops),
        call(of.register, driver, o.igd_dt_ops).into(again),
        call(rfc.vfio_pci_open, driver, o.vdev).into(first),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(first),
        call(rfc.igd_dt_unload, driver, o.igd_dt_ops).into(unloaded),
        call(rfc.vfio_pci_open, driver, o.vdev).into(second),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(second),
      ],
    };
  },
});

export default defineScenario({
  name: 'ops-registered-twice',
  summary: 'One set of ops is registered twice, and only one of the two entries is ever counted',
  source: 'RFC 1/9 and 7/9 of December 2019, and the review of 1/9',
  covers: ['E-9'],
  tags: ['seed-000'],
  variants: {
    rfc: variant({
      ...design(rfc.posted()),
      expect: [{ kind: 'use-after-free', object: 'igd_dt_ops.module', between: ['free_module', 'text'] }],
    }),
    held: variant({
      ...design(rfc.held()),
      summary: 'The second registration is refused.',
      always: mediateLaws,
      sometimes: { 'the module is unloaded': ({ result }) => result(unloaded) === 0 },
      atEnd: { 'the second registration is refused': ({ result }) => result(again) === -EEXIST },
      leaks: mediateLeaks,
      expect: [],
    }),
  },
});
