/** What holds of a group of v4.19 and the one driver of a mediated device in it, whoever is closed first. */
import { notifiersOfOpenDevices } from '../../laws/notifiers.ts';

interface Seen {
  readonly group: { readonly notifier_head: { readonly blocks: readonly string[] } };
  readonly device: { readonly freed: boolean; readonly files: { readonly n: number } };
}

export const noNotifierIsLeft = notifiersOfOpenDevices(({ group, device }: Seen) => [
  { blocks: group.notifier_head.blocks, isOpen: () => !device.freed && device.files.n > 0 },
]);
