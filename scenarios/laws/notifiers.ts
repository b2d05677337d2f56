/** Who is on a notifier chain can be called at any time: the driver of a device that somebody has open. */

/** A chain, and of each block that may be on it whether the device that it stands in is open. */
interface Listened {
  readonly blocks: readonly string[];
  readonly isOpen: (block: string) => boolean;
}

/** @param chains each with its own, of what the view shows */
export const notifiersOfOpenDevices = <V>(chains: (view: V) => readonly Listened[]) => ({
  'no notifier of a closed device is on a chain': (view: V) =>
    chains(view).every(({ blocks, isOpen }) => blocks.every((block) => isOpen(block))),
});
