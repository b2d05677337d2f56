/**
 * The handler of an interrupt takes the spinlock under which the user's eventfd is set. Who sets it with interrupts on may
 * be interrupted on its own CPU while it holds the lock: the handler spins for ever.
 */
import type { Operation } from '../../actors/step.ts';
import { interrupt } from '../../actors/sync/cpu.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { spin_lock, spin_lock_irqsave, spin_unlock, spin_unlock_irqrestore } from '../../actors/sync/spinlock.ts';
import { globals, type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { type Cpu, cpu } from '../../machines/sync/cpu.ts';
import { field } from '../../machines/sync/field.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import { call, daemon, defineScenario, type Expectation, task, variant } from '../../src/index.ts';

const vdev = struct('vdev', { irqlock: spinlock(), trigger: field<boolean>(true) });
type Vdev = HandleTo<typeof vdev>;
const machine = globals('machine', { cpu0: cpu(), cpu1: cpu() });

/** drivers/vfio/pci/vfio_pci_intrs.c. */
function* vfio_intx_handler({ irqlock, trigger }: Vdev, on: Handle<Cpu>): Operation {
  yield* interrupt(on, function* () {
    yield* spin_lock(irqlock);
    yield* load(trigger);
    yield* spin_unlock(irqlock);
  });
}

function* vfio_intx_set_signal({ irqlock, trigger }: Vdev, on: Handle<Cpu>): Operation {
  const flags = yield* spin_lock_irqsave(irqlock, on);
  yield* store(trigger, false);
  yield* spin_unlock_irqrestore(irqlock, on, flags);
}

function* set_signal_with_irqs_on({ irqlock, trigger }: Vdev): Operation {
  yield* spin_lock(irqlock);
  yield* store(trigger, false);
  yield* spin_unlock(irqlock);
}

const inconsistent: Expectation = { kind: 'lock-order', object: 'vdev.irqlock', between: ['spin_lock', 'spin_lock'] };
const objects = { vdev, machine };

export default defineScenario({
  name: 'irq-lock',
  summary: 'A spinlock is taken in an interrupt handler, and elsewhere with interrupts on',
  source: 'drivers/vfio/pci/vfio_pci_intrs.c, vfio_intx_set_signal(), v6.1',
  covers: [],
  tags: ['locking'],
  variants: {
    'irqs-on': variant({
      objects,
      threads: ({ vdev, machine: { cpu0 } }) => ({
        user: task([call(set_signal_with_irqs_on, vdev)], { cpu: cpu0 }),
        irq: daemon([call(vfio_intx_handler, vdev, cpu0)], { cpu: cpu0 }),
      }),
      // One who is kept from running stands wherever it was interrupted.
      expect: [{ kind: 'deadlock', object: 'vdev.trigger' }, { kind: 'deadlock', object: 'vdev.irqlock' }, inconsistent],
    }),
    'irqs-on-another-cpu': variant({
      objects,
      threads: ({ vdev, machine: { cpu0, cpu1 } }) => ({
        user: task([call(set_signal_with_irqs_on, vdev)], { cpu: cpu0 }),
        irq: daemon([call(vfio_intx_handler, vdev, cpu1)], { cpu: cpu1 }),
      }),
      expect: [inconsistent],
    }),
    'irqs-off': variant({
      objects,
      threads: ({ vdev, machine: { cpu0 } }) => ({
        user: task([call(vfio_intx_set_signal, vdev, cpu0)], { cpu: cpu0 }),
        irq: daemon([call(vfio_intx_handler, vdev, cpu0)], { cpu: cpu0 }),
      }),
      expect: [],
    }),
  },
});
