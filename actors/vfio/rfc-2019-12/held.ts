/**
 * What the review of RFC 1/9 asks for, as a whole: drivers/vfio/pci/vfio_pci.c as it might have become. Nobody posted it.
 *
 * An entry counts its registration and each device that has taken it, and a device names its entry, so that the reference
 * it gives back is the one it took. vfio-pci holds the module of a provider from before its open to after its release. A
 * provider is called without the lock of the list, and an entry stays on the list until its last reference is put, so that
 * who has one can go on from it. Unregistering waits for that, or, to compare, does not.
 *
 * Left out: an allocation that fails.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { MediateEntry, MediateProvider, VfioPci, VfioPciDevice } from '../../../machines/vfio/rfc-2019-12/index.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, kfree, kzalloc, moves, type Operation } from '../../step.ts';
import { complete, wait_for_completion } from '../../sync/completion.ts';
import { list_add, list_del, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { enterOp, hasOp, type MediateDesign, prints, type VfioPciDriver } from './mediate_ops.ts';
import { init_migration_region } from './vfio_pci.ts';

/** Under the lock of the list. */
function* mediate_entry_get(mentry: MediateEntry): Operation {
  yield* store(mentry.refcnt, (yield* load(mentry.refcnt)) + 1);
}

/** Under the lock of the list. Who waits for the entry frees it. */
const puts = (waits: boolean) =>
  function* mediate_entry_put(vfio_pci: VfioPci, mentry: MediateEntry): Operation {
    const refcnt = (yield* load(mentry.refcnt)) - 1;
    yield* store(mentry.refcnt, refcnt);
    if (refcnt > 0) return;
    yield* list_del(mentry.next, vfio_pci.mediate_ops_list);
    yield* waits ? complete(mentry.released) : kfree(mentry);
  };

const isOf = (ops: MediateProvider) =>
  function* (mentry: MediateEntry): Operation<MediateEntry | undefined> {
    return !(yield* load(mentry.dying)) && (yield* load(mentry.ops)) === ops ? mentry : undefined;
  };

function* vfio_pci_register_mediate_ops({ vfio_pci, entry }: VfioPciDriver, ops: MediateProvider): Operation<number> {
  yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
  if ((yield* list_for_each_entry(vfio_pci.mediate_ops_list, 'next', isOf(ops))) !== undefined) {
    yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
    return -EEXIST;
  }
  const mentry = yield* kzalloc(entry);
  yield* store(mentry.ops, ops);
  yield* store(mentry.refcnt, 1);
  yield* list_add(mentry.next, vfio_pci.mediate_ops_list);
  yield* prints(ops, 'pr_info');
  yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
  return 0;
}

const unregister = (waits: boolean) =>
  function* vfio_pci_unregister_mediate_ops({ vfio_pci }: VfioPciDriver, ops: MediateProvider): Operation {
    yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
    const mentry = yield* list_for_each_entry(vfio_pci.mediate_ops_list, 'next', isOf(ops));
    if (mentry !== undefined) {
      yield* store(mentry.dying, true);
      yield* puts(waits)(vfio_pci, mentry);
    }
    yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
    if (mentry === undefined || !waits) return;
    yield* wait_for_completion(mentry.released);
    yield* kfree(mentry);
  };

/** The reference to an entry that was asked in vain is put when the walk has gone on from it. */
const find = (waits: boolean) =>
  function* findProvider(driver: VfioPciDriver, vdev: VfioPciDevice): Operation<number> {
    const { vfio_pci } = driver;
    let asked: MediateEntry | null = null;
    function* goOn(): Operation {
      if (asked !== null) yield* puts(waits)(vfio_pci, asked);
      asked = null;
    }
    yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
    yield* list_for_each_entry(vfio_pci.mediate_ops_list, 'next', function* (mentry: MediateEntry) {
      yield* goOn();
      if (yield* load(mentry.dying)) return undefined;
      const ops = yield* follow(mentry.ops);
      if (!(yield* try_module_get(ops.module))) return undefined;
      yield* mediate_entry_get(mentry);
      yield* store<MediateEntry | Null>(vdev.mediate_entry, mentry);
      yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
      const pdev = yield* follow(vdev.pdev);
      const opened = yield* (yield* enterOp(driver, ops, 'open'))(pdev);
      yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
      if (opened.ret === 0) {
        yield* along(store(vdev.mediate_ops, ops), moves(vdev.chart, 'mediated'));
        yield* store(vdev.mediate_handle, opened.handle);
        yield* init_migration_region(driver, vdev, opened.caps);
        yield* prints(ops, 'pr_info');
        return true;
      }
      yield* store<MediateEntry | Null>(vdev.mediate_entry, NULL);
      yield* module_put(ops.module);
      asked = mentry;
      return undefined;
    });
    yield* goOn();
    yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
    return 0;
  };

const release = (waits: boolean) =>
  function* releaseProvider(driver: VfioPciDriver, vdev: VfioPciDevice): Operation {
    const { vfio_pci } = driver;
    const ops = yield* load(vdev.mediate_ops);
    if (isNull(ops)) return;
    if (yield* hasOp(driver, ops, 'release')) {
      const handle = yield* load(vdev.mediate_handle);
      yield* (yield* enterOp(driver, ops, 'release'))(handle);
    }
    yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
    yield* along(store<MediateProvider | Null>(vdev.mediate_ops, NULL), moves(vdev.chart, 'released'));
    const mentry = yield* follow(vdev.mediate_entry);
    yield* store<MediateEntry | Null>(vdev.mediate_entry, NULL);
    yield* puts(waits)(vfio_pci, mentry);
    yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
    yield* module_put(ops.module);
  };

/** @param waits whether unregistering waits for who uses the provider */
export const held = (waits = true): MediateDesign => ({
  register: vfio_pci_register_mediate_ops,
  unregister: unregister(waits),
  find: find(waits),
  beforeDisable: release(waits),
});
