/** Who changes a list tears it for who changes it as well, and not for who asks whether it is empty. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { list_add, list_del, list_empty } from '../../actors/sync/list.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { list_head, list_node } from '../../machines/sync/list.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, checkVariant, type Variant, variant } from '../../src/index.ts';
import { scenarioOf, summaries } from '../helpers/tiny.ts';

const bus = globals('bus', { devices: list_head(), lock: mutex() });
type Bus = HandleTo<typeof bus>;
const device = struct('device', { on_bus: list_node() });
type Device = HandleTo<typeof device>;
type Code = (bus: Bus, device: Device) => Operation<unknown>;

function* add(bus: Bus, device: Device): Operation {
  yield* list_add(device.on_bus, bus.devices);
}
function* add_and_remove(bus: Bus, device: Device): Operation {
  yield* list_add(device.on_bus, bus.devices);
  yield* list_del(device.on_bus, bus.devices);
}
function* asks(bus: Bus): Operation {
  yield* list_empty(bus.devices);
}
const locked = (code: Code): Code =>
  function* (bus, device) {
    yield* mutex_lock(bus.lock);
    yield* code(bus, device);
    yield* mutex_unlock(bus.lock);
  };

const of = (one: Code, other: Code): Variant =>
  variant({
    objects: { bus, first: device, second: device },
    threads: ({ bus, first, second }) => ({ one: [call(one, bus, first)], other: [call(other, bus, second)] }),
    races: true,
    expect: [],
  });

const ADDS = 'data-race bus.devices list_add..list_add';
const DELETES = 'data-race bus.devices list_add..list_del';

for (const [what, design, found] of [
  ['two that are added', of(add, add), [ADDS]],
  ['one that is added and one that comes and goes', of(add, add_and_remove), [ADDS, DELETES]],
  ['one that is added beside who asks whether there is any', of(add, asks), []],
  ['two that are added under a lock', of(locked(add), locked(add)), []],
  ['two that are added, one of them under a lock', of(locked(add), add), [ADDS]],
] as const)
  for (const strategy of ['plain', 'reduced', 'dpor'] as const)
    test(`a list: ${what}, by ${strategy}`, async (t) => {
      const result = await checkVariant(scenarioOf({ it: design }), 'it', { maxStates: 10_000, how: { strategy } });
      t.deepEqual(summaries(result).toSorted(), found);
      t.true(result.exhaustive);
    });
