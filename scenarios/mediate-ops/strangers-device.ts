/**
 * vfio-pci asks each provider about each device that is opened. The provider of i40e is not made for that.
 *
 * It holds its own module before it looks, and does not put it where the function is not one of its own: each open of an
 * unrelated virtual function leaves a reference, and the module is never unloaded again. Of a device that is no virtual
 * function at all it follows a pointer that is NULL, with the lock of the list held.
 */
import { module_put } from '../../actors/sync/module.ts';
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { EAGAIN } from '../../machines/sync/errno.ts';
import type { PciDev } from '../../machines/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateModules, theClosedIsOff } from '../laws/mediate.ts';
import { objects, start, type VirtualFunction } from './setup/virtual-function.ts';

const fd = local<number>('fd');
const unloaded = local<number>('unloaded');

const posted = (o: VirtualFunction) => rfc.i40e_vf_migration_ops({ self: o.i40e_ops, pool: o.i40e_vf_dev, vfs: [] });

/** It gives back what it took. */
const putting = (o: VirtualFunction): rfc.VfioPciMediateOps => {
  const ops = posted(o);
  function* i40e_vf_migration_open(pdev: PciDev) {
    const opened = yield* ops.open(pdev);
    if (opened.ret !== 0) yield* module_put(o.i40e_ops.module);
    return opened;
  }
  return { ...ops, open: i40e_vf_migration_open };
};

const design = (opsOf: (o: VirtualFunction) => rfc.VfioPciMediateOps, at: typeof start = start) => ({
  objects,
  start: at,
  threads: (o: VirtualFunction) => {
    const driver: rfc.VfioPciDriver = {
      vfio_pci: o.vfio_pci,
      design: rfc.posted({ ownRet: true, countsRegistration: true }),
      entry: o.mentry,
      providers: { [o.i40e_ops.path]: opsOf(o) },
    };
    return {
      user: [
        call(rfc.i40e_vf_migration_register, driver, o.i40e_ops),
        call(rfc.vfio_pci_open, driver, o.vdev).into(fd),
        call(rfc.vfio_pci_release, driver, o.vdev).ifOk(fd),
        call(rfc.i40e_unload, driver, o.i40e_ops).into(unloaded),
      ],
    };
  },
});

export default defineScenario({
  name: 'strangers-device',
  summary: 'The provider of i40e is asked about a device that is not one of its own',
  source: 'RFC 7/9 i40e/vf_migration: register mediate_ops to vfio-pci, December 2019',
  covers: ['E-16'],
  tags: ['seed-000'],
  variants: {
    'other-function': variant({
      ...design(posted),
      summary: 'A virtual function of another physical one.',
      sometimes: { 'rmmod is refused': ({ result }) => result(unloaded) === -EAGAIN },
      leaks: { 'i40e_ops.module': ({ i40e_ops }) => i40e_ops.module.refcnt - 1 },
      expect: [{ kind: 'leak', object: 'i40e_ops.module' }],
    }),
    'no-function': variant({
      ...design(posted, { ...start, 'pdev.physfn': { value: { at: 'NULL' } } }),
      summary: 'No virtual function.',
      expect: [{ kind: 'null-deref', object: 'driver_data' }],
    }),
    'put-when-refused': variant({
      ...design(putting),
      summary: 'The open gives back what it took where it refuses.',
      always: theClosedIsOff,
      sometimes: { 'the module is unloaded': ({ result }) => result(unloaded) === 0 },
      atEnd: { 'the device was opened': ({ result }) => result(fd) === 0 },
      leaks: mediateModules,
      expect: [],
    }),
  },
});
