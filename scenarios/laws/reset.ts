/** What holds of PCI functions and of the devices of a set, whoever resets them. */

type Of<N extends string, P> = { readonly [K in N]: P };
type Laws<N extends string, P> = { readonly [law: string]: (view: Of<N, P>) => boolean };

const each = <N extends string, P>(names: readonly N[], law: (name: N) => string, holds: (of: P) => boolean): Laws<N, P> =>
  Object.fromEntries(names.map((name) => [law(name), (view: Of<N, P>) => holds(view[name])]));

export interface Function {
  readonly function: { readonly state: string; readonly memory: boolean; readonly unanswered: boolean };
}

/** Neither by a load or store of a user nor by a page table that is made to lead there. For `always`. */
export const nobodyReachesInReset = <N extends string>(...pdevs: readonly N[]) =>
  each<N, Function>(
    pdevs,
    (name) => `nobody reaches a BAR of ${name} while it is in reset or does not decode it`,
    ({ function: { unanswered } }) => !unanswered,
  );

/** They are out of reset, and decode their memory as before. For `atEnd`. */
export const asBeforeReset = <N extends string>(...pdevs: readonly N[]) =>
  each<N, Function>(
    pdevs,
    (name) => `${name} has its configuration back`,
    ({ function: { state, memory } }) => state === 'ready' && memory,
  );

type Locks<L extends string> = Of<L, { readonly state: string }> & { readonly freed: boolean };

/** For `atEnd`. */
export const locksAreFree = <L extends string, N extends string>(locks: readonly L[], ...vdevs: readonly N[]) =>
  each<N, Locks<L>>(
    vdevs,
    (name) => `nobody is left with a lock of ${name}`,
    (vdev) => vdev.freed || locks.every((lock) => ['free', 'unlocked'].includes(vdev[lock].state)),
  );
