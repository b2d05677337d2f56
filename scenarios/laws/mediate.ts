/**
 * What holds of the mediate ops in every state of a design in which nothing is wrong, and what is left when all is closed.
 *
 * The counter of an entry and the pointer of a device are changed one after the other, under the lock of the list, and as
 * posted under that of the device as well: in between, nothing is said of them.
 */
interface Pointer {
  readonly value: { readonly at: string };
}
interface Lock {
  readonly owner: string | null;
}
interface Entry {
  readonly refcnt: { readonly value: number };
  readonly dying: { readonly value: boolean };
  readonly ops: Pointer;
  readonly freed: boolean;
}
export interface Mediated {
  readonly vfio_pci: {
    readonly module: { readonly refcnt: number };
    readonly mediate_ops_list: { readonly entries: readonly string[] };
    readonly mediate_ops_list_lock: Lock;
  };
  readonly reflck: { readonly lock: Lock };
  readonly vdev: {
    readonly refcnt: { readonly value: number };
    readonly mediate_ops: Pointer;
    readonly mediate_entry: Pointer;
    readonly num_regions: { readonly value: number };
    readonly region: Pointer;
  };
  readonly pdev: { readonly enable_cnt: { readonly n: number }; readonly is_busmaster: { readonly value: boolean } };
  readonly igd_dt_ops: { readonly module: { readonly state: string; readonly refcnt: number } };
  readonly all: (pool: 'mentry' | 'igd_device') => readonly { readonly freed: boolean }[];
}

const isSet = ({ value }: Pointer) => value.at !== 'NULL';
const entriesOf = ({ all }: Mediated) => (all('mentry') as readonly Entry[]).filter(({ freed }) => !freed);
const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
const isQuiet = ({ vfio_pci, reflck }: Mediated) => vfio_pci.mediate_ops_list_lock.owner === null && reflck.lock.owner === null;

const isCounted = (view: Mediated, users: number): boolean => {
  const entries = entriesOf(view);
  const registered = entries.filter(({ dying }) => !dying.value).length;
  return sum(entries.map(({ refcnt }) => refcnt.value)) === registered + users;
};

/** A design that counts registrations, and puts at release what open got. */
export const usersAreCounted = {
  'the references to entries are those of registrations and of mediated devices': (view: Mediated) =>
    !isQuiet(view) || isCounted(view, Number(isSet(view.vdev.mediate_ops))),
};

/** A design in which a device holds an entry also while its provider is asked. */
export const holdersAreCounted = {
  'the references to entries are those of registrations and of devices that hold one': (view: Mediated) =>
    view.vfio_pci.mediate_ops_list_lock.owner !== null || isCounted(view, Number(isSet(view.vdev.mediate_entry))),
};

export const nothingLeadsToTheUnloaded = {
  'nothing leads into the memory of a module that is unloaded': (view: Mediated) =>
    view.igd_dt_ops.module.state !== 'unloaded' || (!isSet(view.vdev.mediate_ops) && entriesOf(view).length === 0),
};

export const theClosedIsOff = {
  'a device that nobody has open is off, and nobody mediates it': (view: Mediated) => {
    const { vdev, pdev, reflck } = view;
    if (reflck.lock.owner !== null || vdev.refcnt.value > 0) return true;
    const isOff = pdev.enable_cnt.n === 0 && !pdev.is_busmaster.value && vdev.num_regions.value === 0;
    return isOff && !isSet(vdev.mediate_ops) && !isSet(vdev.mediate_entry);
  },
};

/** At the end, when everybody has closed what he was given. */
export const allClosedIsOff = {
  'the device is off when everybody has closed it': ({ pdev }: Mediated) => pdev.enable_cnt.n === 0 && !pdev.is_busmaster.value,
};

/** For `held()`. */
export const mediateLaws = { ...holdersAreCounted, ...nothingLeadsToTheUnloaded, ...theClosedIsOff };

/** When everybody has closed what he had open. */
export const mediateModules = {
  'vfio_pci.module': ({ vfio_pci }: Mediated) => vfio_pci.module.refcnt - 1,
  'igd_dt_ops.module': ({ igd_dt_ops: { module } }: Mediated) => (module.state === 'live' ? module.refcnt - 1 : 0),
};

/** When everybody has closed what he had open, and each provider that is loaded is registered. */
export const mediateLeaks = {
  vdev: ({ vdev }: Mediated) => vdev.refcnt.value,
  ...mediateModules,
  'vfio_pci.mediate_ops_list': ({ vfio_pci, igd_dt_ops }: Mediated) =>
    vfio_pci.mediate_ops_list.entries.length - Number(igd_dt_ops.module.state === 'live'),
  igd_device: ({ all }: Mediated) => all('igd_device').filter(({ freed }) => !freed).length,
};
