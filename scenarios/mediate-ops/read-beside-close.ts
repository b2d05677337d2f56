/**
 * A read looks at the provider of its device without a lock, twice, and the last close clears it. That looks like a race, and
 * is none.
 *
 * A read holds the file while it runs, so that the close of another task leaves the release to it, when it is done. All first
 * opens and last closes of a device are in one order by the lock that they take, and who has a file had it from an open. The
 * pointer is therefore never written beside a reader, and to mark the accesses would be for nothing.
 *
 * Take the reference to the file away and the race is there. And what does race with a read is not in this file: it is the
 * provider that leaves (provider-leaves-while-open).
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import * as rfc from '../../actors/vfio/rfc-2019-12/index.ts';
import { EBADF } from '../../actors/vfio/errno.ts';
import * as in2019 from '../../machines/vfio/rfc-2019-12/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mediateModules, theClosedIsOff } from '../laws/mediate.ts';
import { type HandlesOf, host, objects as one, start, withIgd } from './setup/one-device.ts';

const fd = local<number>('fd');
const read = local<number>('read');
const other_fd = local<number>('other_fd');
const BAR0 = { index: rfc.VFIO_PCI_BAR0_REGION_INDEX };

const objects = { ...one, host, vmm: in2019.process, file: in2019.file, other: in2019.process, other_file: in2019.file };
type Objects = HandlesOf<typeof objects>;

const opens = (driver: rfc.VfioPciDriver, o: Objects) => [
  call(rfc.igd_dt_init, driver, o.igd_dt_ops),
  call(rfc.get_device_fd, driver, o.vdev, o.file, o.vmm).into(fd),
  call(complete, o.host.ready),
];

export default defineScenario({
  name: 'read-beside-close',
  summary: 'A read asks without a lock who mediates the device, while another task closes it: no race',
  source: 'RFC 1/9 of December 2019; fdget() and __fput() of v5.4',
  covers: ['E-11'],
  tags: ['seed-000', 'nominal'],
  variants: {
    rfc: variant({
      summary: 'Two tasks of one process, of which one reads and one closes, and another process that has the device open, too.',
      objects,
      start,
      threads: (o) => {
        const driver = withIgd(o, rfc.posted());
        return {
          reader: [...opens(driver, o), call(rfc.access, driver, o.vdev, o.vmm, BAR0).into(read)],
          closer: [call(wait_for_completion, o.host.ready), call(rfc.close, driver, o.vdev, o.vmm, o.file)],
          other: [
            call(rfc.get_device_fd, driver, o.vdev, o.other_file, o.other).into(other_fd),
            call(rfc.access, driver, o.vdev, o.other, BAR0).ifOk(other_fd),
            call(rfc.close, driver, o.vdev, o.other, o.other_file).ifOk(other_fd),
          ],
        };
      },
      races: true,
      always: theClosedIsOff,
      sometimes: {
        'the file is closed while the read runs, and the read releases it': ({ vmm, next, file }) =>
          vmm.fd.value.at === 'NULL' && file.f_count.f_count === 1 && next('reader') === 'fput',
        'the read comes too late': ({ result }) => result(read) === -EBADF,
        'two processes have the device open': ({ vdev }) => vdev.refcnt.value === 2,
        'the other process closes while one reads': ({ next, vdev, result }) =>
          vdev.chart.state === 'mediated' &&
          vdev.refcnt.value === 2 &&
          next('reader') === 'text' &&
          next('other') === 'fput' &&
          result(read) === undefined,
      },
      leaks: mediateModules,
      expect: [],
    }),
    'read-without-file': variant({
      summary: 'What it would be without the reference to the file: the device is closed under the read.',
      assumes: 'Not of the kernel: the read goes straight to the device.',
      objects,
      start,
      threads: (o) => {
        const driver = withIgd(o, rfc.posted());
        return {
          reader: [...opens(driver, o), call(rfc.vfio_pci_rw, driver, o.vdev, BAR0)],
          closer: [call(wait_for_completion, o.host.ready), call(rfc.vfio_pci_release, driver, o.vdev)],
        };
      },
      expect: [
        { kind: 'data-race', object: 'vdev.mediate_ops', between: ['load', 'store'] },
        { kind: 'data-race', object: 'vdev.num_regions', between: ['load', 'store'] },
        // Between its two looks at the pointer.
        { kind: 'null-deref', object: 'module' },
      ],
    }),
  },
});
