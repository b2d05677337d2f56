/**
 * Mediated devices: when a vendor may be called, what is on the list of all devices, and what is counted.
 *
 * `always` takes `vendorIsCalledInTurn`, `childHasParent` and, since there is a list of all devices, `listedUntilReleased`;
 * `leaks` takes `parentReferences`.
 */
interface Called {
  readonly freed: boolean;
  readonly vendor: { readonly state: string };
}
interface Listed extends Called {
  readonly next: { readonly on: string | null };
  readonly driver: { readonly value: boolean };
}
interface Parented {
  readonly parent: { readonly freed: boolean; readonly ref: { readonly n: number } };
  readonly dev: { readonly kobj: { readonly n: number } };
}
type Of<V, M> = (view: V) => readonly M[];

const outOfTurn = ['called_early', 'called_late', 'removed_twice'];

const vendorIsCalledInTurn = <V>(mdevs: Of<V, Called>) => ({
  'the vendor of a device is called for it after its create and before its remove, and removes it once': (view: V) =>
    mdevs(view).every(({ freed, vendor }) => freed || !outOfTurn.includes(vendor.state)),
});

const listedUntilReleased = <V>(mdevs: Of<V, Listed>) => ({
  'no device is freed that is on the list': (view: V) => mdevs(view).every(({ freed, next }) => !freed || next.on === null),
  'a device that has a driver is on the list': (view: V) =>
    mdevs(view).every(({ freed, next, driver }) => freed || !driver.value || next.on !== null),
});

const childHasParent = <V extends Parented>(mdevs: Of<V, Called>) => ({
  'a device whose vendor has created it has a parent': (view: V) =>
    !view.parent.freed || mdevs(view).every(({ freed, vendor }) => freed || vendor.state !== 'created'),
});

/** A parent is counted by its registration and its devices, and its own device by its driver, by it and by each of them. */
const parentReferences = <V extends Parented>(mdevs: Of<V, Called>) => {
  const alive = (view: V) => mdevs(view).filter(({ freed }) => !freed).length;
  return {
    parent: (view: V) => (view.parent.freed ? 0 : view.parent.ref.n - 1) - alive(view),
    'dev.kobj': (view: V) => view.dev.kobj.n - (view.parent.freed ? 1 : 2) - alive(view),
  };
};

type The<M> = { readonly mdev: M };
const the = <M>({ mdev }: The<M>): readonly M[] => [mdev];

/** Of the device that is there from the beginning. */
export const ofTheMdev = {
  vendorIsCalledInTurn: vendorIsCalledInTurn<The<Called>>(the),
  listedUntilReleased: listedUntilReleased<The<Listed>>(the),
  childHasParent: childHasParent<The<Called> & Parented>(the),
  parentReferences: parentReferences<The<Called> & Parented>(the),
};

type New<M> = { readonly all: (pool: 'new_mdev') => readonly M[] };
const created = <M>({ all }: New<M>): readonly M[] => all('new_mdev');

/** Of the devices that are created. */
export const ofNewMdevs = {
  vendorIsCalledInTurn: vendorIsCalledInTurn<New<Called>>(created),
  listedUntilReleased: listedUntilReleased<New<Listed>>(created),
  childHasParent: childHasParent<New<Called> & Parented>(created),
  parentReferences: parentReferences<New<Called> & Parented>(created),
};
