/**
 * A PCI function as its bus sees it (drivers/pci/pci.c): whether it decodes accesses to its memory BARs, what the PCI core
 * has saved of its configuration, and whether it is in reset, from which it comes without its configuration.
 *
 * An access that a function does not answer is a master abort or an unsupported request. What comes of it is up to the
 * platform, from all ones for an answer to a machine check, so that nothing is said here; `unanswered` keeps that it came
 * about, for the laws of scenarios. A page table that is made to lead to a function in reset counts as well, since no
 * kernel code stands between it and the access.
 *
 * Left out: all of config space but the memory bit of the command register; power states; I/O ports.
 */
import { assign } from 'xstate';
import { done, type Json, part, setupObject } from '../object.ts';
import { field } from '../sync/field.ts';
import { list_head, list_node } from '../sync/list.ts';
import { mutex } from '../sync/mutex.ts';
import { rwsem } from '../sync/rwsem.ts';

/** PCI_COMMAND_MEMORY, as it was saved; null while nothing is. */
export type Saved = boolean | null;

export type PciFunction = {
  /** Whether PCI_COMMAND_MEMORY is set. */
  pci_read_config_word: { reply: boolean };
  pci_write_config_word: { with: { memory: boolean } };
  pci_save_state: object;
  pci_restore_state: object;
  pci_store_saved_state: { reply: Saved };
  pci_load_saved_state: { with: { saved: Saved } };
  reset_begins: object;
  reset_ends: object;
  /** An access of a CPU to a memory BAR. */
  readl: object;
  io_remap_pfn_range: object;
};

type Context = {
  readonly memory: boolean;
  readonly saved: Saved;
  readonly unanswered: boolean;
};

const memoryOf = (event: object): boolean => 'memory' in event && event.memory === true;
const savedOf = (event: object): Saved => ('saved' in event ? (event.saved as Saved) : null);

const machine = setupObject<Context, PciFunction>()
  .extend({
    guards: { decodes: ({ context }) => context.memory, wasSaved: ({ context }) => context.saved !== null },
    actions: {
      command: assign({ memory: ({ event }) => memoryOf(event) }),
      save: assign({ saved: ({ context }) => context.memory }),
      load: assign({ saved: ({ event }) => savedOf(event) }),
      restore: assign({ memory: ({ context }) => context.saved ?? context.memory, saved: null }),
      lose: assign({ memory: false }),
      miss: assign({ unanswered: true }),
    },
  })
  .createMachine({
    id: 'pci_function',
    context: ({ input }) => input,
    initial: 'ready',
    on: {
      pci_read_config_word: { actions: { type: 'answer', params: ({ context }) => ({ value: context.memory }) } },
      pci_save_state: { actions: ['save', done] },
      pci_store_saved_state: { actions: { type: 'answer', params: ({ context }) => ({ value: context.saved as Json }) } },
      pci_load_saved_state: { actions: ['load', done] },
    },
    states: {
      ready: {
        on: {
          pci_write_config_word: { actions: ['command', done] },
          // Without a saved state it does nothing.
          pci_restore_state: [{ guard: 'wasSaved', actions: ['restore', done] }, { actions: done }],
          reset_begins: { target: 'in_reset', actions: ['lose', done] },
          reset_ends: { actions: done },
          readl: [{ guard: 'decodes', actions: done }, { actions: ['miss', done] }],
          io_remap_pfn_range: { actions: done },
        },
      },
      in_reset: {
        on: {
          // Writes are lost.
          pci_write_config_word: { actions: done },
          pci_restore_state: { actions: [assign({ saved: null }), done] },
          reset_begins: { actions: done },
          reset_ends: { target: 'ready', actions: done },
          readl: { actions: ['miss', done] },
          io_remap_pfn_range: { actions: ['miss', done] },
        },
      },
    },
  });

const pci_function = () => part<PciFunction, Context>(machine, { memory: true, saved: null, unanswered: false });

/** What struct pci_dev has beside its struct device. */
export const pciParts = () => ({
  function: pci_function(),
  /** `block_cfg_access`, for which pci_cfg_access_lock() waits: no lock of which the validator knows. */
  block_cfg_access: mutex({ novalidate: true }),
  bus_list: list_node(),
  /** `reset_methods`: whether the function can be reset by itself. */
  reset_supported: field<boolean>(true),
});

/** struct pci_bus, below a bridge, and the semaphore that is held for reading while any bus is walked. */
export const pciBusParts = () => ({
  pci_bus_sem: rwsem(),
  devices: list_head(),
  /** Whether the bridge can reset it: what pci_bus_resettable() makes of flags that do not change. */
  resettable: field<boolean>(true),
});
