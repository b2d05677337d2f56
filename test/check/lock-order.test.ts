/** What is said of an order of locks: which it is, whether it ends in a deadlock and why not, and on which run it shows. */
import test from 'ava';
import { choose, type Operation } from '../../actors/step.ts';
import { interrupt } from '../../actors/sync/cpu.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_lock_interruptible, mutex_lock_nested, mutex_unlock } from '../../actors/sync/mutex.ts';
import {
  spin_lock,
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from '../../actors/sync/spinlock.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { globals, type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { field } from '../../machines/sync/field.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import { call, type CheckResult, checkVariant, daemon, task, type Variant, variant } from '../../src/index.ts';
import { findingText } from '../../src/reporters/finding-text.ts';
import { checkTiny, scenarioOf } from '../helpers/tiny.ts';

const objects = {
  bus: globals('bus', { lock: mutex(), n: field<number>(0), ready: completion() }),
  dev: struct('dev', { lock: mutex() }),
  drv: struct('drv', { lock: mutex() }),
};
type Lock = Handle<Mutex>;
type Bus = HandleTo<typeof objects.bus>;

function* nest(...locks: readonly Lock[]): Operation {
  for (const lock of locks) yield* mutex_lock(lock);
  for (const lock of locks.toReversed()) yield* mutex_unlock(lock);
}
const design = (threads: Parameters<typeof variant<typeof objects>>[0]['threads']): Variant =>
  variant({ objects, threads, expect: [] });
const orders = ({ findings }: CheckResult): readonly string[] =>
  findings.filter(({ kind }) => kind === 'lock-order').map(({ message }) => message.replace(/deadlock-\w{8}/, 'deadlock-*'));
const says = (what: string, of: Variant, messages: readonly string[], maxStates = 10_000) =>
  test(what, async (t) => t.deepEqual(orders(await checkTiny(of, maxStates)), messages));

const bothOrders = design(({ dev, drv }) => ({
  a: [call(nest, dev.lock, drv.lock)],
  b: [call(nest, drv.lock, dev.lock)],
}));

says('two threads that wait for each other confirm it', bothOrders, [
  '&dev->lock and &drv->lock are taken in both orders: confirmed, see deadlock-*',
]);
says(
  'three threads, and no two of them alone',
  design(({ bus, dev, drv }) => ({
    a: [call(nest, bus.lock, dev.lock)],
    b: [call(nest, dev.lock, drv.lock)],
    c: [call(nest, drv.lock, bus.lock)],
  })),
  ['&bus.lock, &dev->lock and &drv->lock are taken in a circle: confirmed, see deadlock-*'],
);
says(
  'a circle of three for which there are two threads is none of threads',
  design(({ bus, dev, drv }) => ({
    a: [call(nest, bus.lock, dev.lock), call(nest, dev.lock, drv.lock)],
    b: [call(nest, drv.lock, bus.lock)],
  })),
  ['&bus.lock, &dev->lock and &drv->lock are taken in a circle: refuted: no 3 threads take them in these orders'],
);
says(
  'a lock that is held around one of the two only is no gate',
  design(({ bus, dev, drv }) => ({
    a: [call(nest, bus.lock, dev.lock, drv.lock)],
    b: [call(nest, drv.lock, dev.lock)],
  })),
  ['&dev->lock and &drv->lock are taken in both orders: confirmed, see deadlock-*'],
);
says(
  'one that comes after the other has ended refutes it, where every state was seen',
  design(({ bus, dev, drv }) => ({
    a: [call(nest, dev.lock, drv.lock), call(complete, bus.ready)],
    b: [call(wait_for_completion, bus.ready), call(nest, drv.lock, dev.lock)],
  })),
  ['&dev->lock and &drv->lock are taken in both orders: refuted: in no state do the threads wait for each other'],
);
says(
  'where the search was cut nothing is refuted',
  design(({ bus, dev, drv }) => ({
    a: [call(nest, dev.lock, drv.lock), call(complete, bus.ready)],
    b: [call(wait_for_completion, bus.ready), call(nest, drv.lock, dev.lock)],
  })),
  ['&dev->lock and &drv->lock are taken in both orders: neither confirmed nor refuted, as the search was cut: 8 states'],
  8,
);

function* give_up_on_signal(outer: Lock, inner: Lock): Operation {
  yield* mutex_lock(outer);
  if ((yield* mutex_lock_interruptible(inner)) === 0) yield* mutex_unlock(inner);
  yield* mutex_unlock(outer);
}
says(
  'whom a signal may let out waits until it comes',
  design(({ dev, drv }) => ({
    a: [call(give_up_on_signal, dev.lock, drv.lock)],
    b: [call(nest, drv.lock, dev.lock)],
  })),
  ['&dev->lock and &drv->lock are taken in both orders: confirmed: they wait for each other until one of them is let out'],
);

function* in_either_order(one: Lock, other: Lock): Operation {
  if ((yield* choose('order', 'one', 'other')) === 'one') yield* nest(one, other);
  else yield* nest(other, one);
}
const same = (text: string): string => text;
const paint = { good: same, bad: same, doubtful: same, strong: same, faint: same };

const twins = struct('twin', { lock: mutex() });
function* nest_by_subclass(outer: Lock, inner: Lock): Operation {
  yield* mutex_lock(outer);
  yield* mutex_lock_nested(inner, 1);
  yield* mutex_unlock(inner);
  yield* mutex_unlock(outer);
}
says(
  'who is told apart by a subclass takes part in the circle of those who are not',
  variant({
    objects: { one: twins, two: twins },
    threads: ({ one, two }) => ({ a: [call(nest_by_subclass, one.lock, two.lock)], b: [call(nest, two.lock, one.lock)] }),
    expect: [],
  }),
  ['&twin->lock is taken while another lock of its class is held: confirmed, see deadlock-*'],
);
says(
  'and in its one order, where there is one',
  variant({
    objects: { one: twins, two: twins },
    threads: ({ one, two }) => ({ a: [call(nest_by_subclass, one.lock, two.lock)], b: [call(nest, one.lock, two.lock)] }),
    expect: [],
  }),
  ['&twin->lock is taken while another lock of its class is held: refuted: all take the locks in one order'],
);

const machine = globals('machine', { cpu0: cpu(), cpu1: cpu(), outer: spinlock(), inner: spinlock() });
type Machine = HandleTo<typeof machine>;
function* handle({ cpu1, outer }: Machine): Operation {
  yield* interrupt(cpu1, function* () {
    yield* spin_lock(outer);
    yield* spin_unlock(outer);
  });
}
function* nest_with_irqs({ cpu0, outer, inner }: Machine, forgets: boolean): Operation {
  yield* spin_lock_irq(outer, cpu0);
  const flags = yield* spin_lock_irqsave(inner, cpu0);
  yield* spin_unlock_irqrestore(inner, cpu0, flags || forgets);
  yield* spin_unlock_irq(outer, cpu0);
}
const withIrqs = (forgets: boolean): Variant =>
  variant({
    objects: { machine },
    threads: ({ machine }) => ({
      a: task([call(nest_with_irqs, machine, forgets)], { cpu: machine.cpu0 }),
      irq: daemon([call(handle, machine)], { cpu: machine.cpu1 }),
    }),
    expect: [],
  });
says('interrupts come on while a lock is held that was taken without them', withIrqs(true), [
  '&machine.outer is taken in an interrupt handler, and elsewhere with interrupts on: refuted: the handler runs on another CPU',
]);
says('and stay off where the flags are restored', withIrqs(false), []);

test('orders of which no one run has both have no schedule, and the report says so', async (t) => {
  const { findings } = await checkTiny(design(({ dev, drv }) => ({ a: [call(in_either_order, dev.lock, drv.lock)] })));
  const [finding, ...others] = findings;
  t.deepEqual(others, []);
  t.is(finding?.schedule, null);
  t.is(finding?.trace, null);
  if (finding === undefined) return;
  const text = findingText(finding, { paint, allSteps: false, placeOf: null, replay: null }).join('\n');
  t.regex(text, /no one run shows all of it, so there is no schedule/);
  t.regex(text, /A kernel with lock validation would print:/);
});

test('the run that shows it ends with the acquire that closes the circle, and has the fewest preemptions', async (t) => {
  function* behind(bus: Bus, one: Lock, other: Lock): Operation {
    yield* mutex_lock(bus.lock);
    yield* store(bus.n, (yield* load(bus.n)) + 1);
    yield* nest(one, other);
    yield* mutex_unlock(bus.lock);
  }
  const { findings } = await checkTiny(
    design(({ bus, dev, drv }) => ({
      a: [call(behind, bus, dev.lock, drv.lock)],
      b: [call(behind, bus, drv.lock, dev.lock)],
    })),
  );
  const [finding] = findings;
  t.is(finding?.preemptions, 0);
  t.true(finding?.proven);
  t.deepEqual(
    finding?.trace?.steps.filter(({ index }) => finding.pair.marked.includes(index)).map(({ thread, c }) => `${thread}: ${c}`),
    ['a: mutex_lock(&drv->lock)', 'b: mutex_lock(&dev->lock)'],
  );
  t.is(finding?.trace?.steps.at(-1)?.c, 'mutex_lock(&dev->lock)');
});

test('it has one id, and one verdict, whichever search has found it', async (t) => {
  const ids = new Set<string>();
  for (const strategy of ['plain', 'reduced', 'dpor'] as const) {
    const { findings } = await checkVariant(scenarioOf({ it: bothOrders }), 'it', { maxStates: 10_000, how: { strategy } });
    for (const { kind, id, message } of findings) if (kind === 'lock-order') ids.add(`${id} ${message}`);
  }
  t.is(ids.size, 1);
});
