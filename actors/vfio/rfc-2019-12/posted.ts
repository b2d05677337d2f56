/**
 * drivers/vfio/pci/vfio_pci.c, v5.4 with RFC 1/9 of December 2019: how vfio-pci keeps the providers of mediate ops, as it
 * was posted, and with one line or the other as the review would have it. In C the search and the release stand in
 * vfio_pci_open() and vfio_pci_release().
 *
 * Left out: an allocation that fails.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { MediateEntry, MediateProvider, VfioPciDevice } from '../../../machines/vfio/rfc-2019-12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, kfree, kzalloc, moves, type Operation } from '../../step.ts';
import { list_add, list_del, list_for_each_entry, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { enterOp, hasOp, type MediateDesign, prints, type VfioPciDriver } from './mediate_ops.ts';
import { init_migration_region } from './vfio_pci.ts';

export interface Fixes {
  /** What the open returns is not what a provider said that was asked and did not take the device. */
  readonly ownRet?: true;
  /** The registration counts as a reference. */
  readonly countsRegistration?: true;
  /** The last close gives back the reference that the first open took. */
  readonly putsAtRelease?: true;
  /** The last close forgets the provider, also one that has no release. */
  readonly clearsAlways?: true;
}

/** To the head of the list: who registered last is asked first. */
const register = ({ countsRegistration }: Fixes) =>
  function* vfio_pci_register_mediate_ops({ vfio_pci, entry }: VfioPciDriver, ops: MediateProvider): Operation<number> {
    yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
    const mentry = yield* kzalloc(entry);
    yield* store(mentry.ops, ops);
    yield* store(mentry.refcnt, countsRegistration ? 1 : 0);
    yield* list_add(mentry.next, vfio_pci.mediate_ops_list);
    yield* prints(ops, 'pr_info');
    yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
    return 0;
  };

function* vfio_pci_unregister_mediate_ops({ vfio_pci }: VfioPciDriver, ops: MediateProvider): Operation {
  yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
  yield* list_for_each_entry_safe(vfio_pci.mediate_ops_list, 'next', function* (mentry: MediateEntry) {
    if ((yield* load(mentry.ops)) !== ops) return;
    const refcnt = (yield* load(mentry.refcnt)) - 1;
    yield* store(mentry.refcnt, refcnt);
    if (refcnt === 0) {
      yield* list_del(mentry.next, vfio_pci.mediate_ops_list);
      yield* kfree(mentry);
    } else {
      yield* prints(ops, 'pr_err');
    }
  });
  yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
}

const find = ({ ownRet }: Fixes) =>
  function* findProvider(driver: VfioPciDriver, vdev: VfioPciDevice): Operation<number> {
    const { vfio_pci } = driver;
    let ret = 0;
    yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
    yield* list_for_each_entry(vfio_pci.mediate_ops_list, 'next', function* (mentry: MediateEntry) {
      const ops = yield* follow(mentry.ops);
      const pdev = yield* follow(vdev.pdev);
      const opened = yield* (yield* enterOp(driver, ops, 'open'))(pdev);
      if (!ownRet) ret = opened.ret;
      if (opened.ret !== 0) return undefined;
      yield* along(store(vdev.mediate_ops, yield* follow(mentry.ops)), moves(vdev.chart, 'mediated'));
      yield* store(vdev.mediate_handle, opened.handle);
      yield* init_migration_region(driver, vdev, opened.caps);
      yield* prints(yield* follow(vdev.mediate_ops), 'pr_info');
      yield* store(mentry.refcnt, (yield* load(mentry.refcnt)) + 1);
      return true;
    });
    yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
    return ret;
  };

/** The line that the author says was forgotten. */
function* putEntry({ vfio_pci }: VfioPciDriver, ops: MediateProvider): Operation {
  yield* mutex_lock(vfio_pci.mediate_ops_list_lock);
  yield* list_for_each_entry(vfio_pci.mediate_ops_list, 'next', function* (mentry: MediateEntry) {
    if ((yield* load(mentry.ops)) !== ops) return undefined;
    yield* store(mentry.refcnt, (yield* load(mentry.refcnt)) - 1);
    return true;
  });
  yield* mutex_unlock(vfio_pci.mediate_ops_list_lock);
}

const release = ({ putsAtRelease, clearsAlways }: Fixes) =>
  function* releaseProvider(driver: VfioPciDriver, vdev: VfioPciDevice): Operation {
    const ops = yield* load(vdev.mediate_ops);
    if (isNull(ops)) return;
    const told = yield* hasOp(driver, ops, 'release');
    if (told) {
      const called = yield* follow(vdev.mediate_ops);
      const handle = yield* load(vdev.mediate_handle);
      yield* (yield* enterOp(driver, called, 'release'))(handle);
    }
    if (told || clearsAlways) yield* along(store<MediateProvider | Null>(vdev.mediate_ops, NULL), moves(vdev.chart, 'released'));
    if (putsAtRelease) yield* putEntry(driver, ops);
  };

/** @param fixes none: the RFC */
export const posted = (fixes: Fixes = {}): MediateDesign => ({
  register: register(fixes),
  unregister: vfio_pci_unregister_mediate_ops,
  find: find(fixes),
  afterDisable: release(fixes),
});
