/**
 * An object is set up and then published by a pointer. Who follows the pointer must find it set up: a plain store of the
 * pointer promises that no more than a plain read of it does.
 *
 * rcu_assign_pointer() is a release. For what is reached through the pointer rcu_dereference() needs no acquire: the address
 * depends on what was read. A counter beside the object does not lie behind the pointer, and is not ordered by it.
 */
import { load, smp_load_acquire, smp_store_release, store } from '../../actors/sync/memory.ts';
import { rcu_assign_pointer, rcu_dereference } from '../../actors/sync/rcu.ts';
import type { Operation } from '../../actors/step.ts';
import { type HandleTo, NULL, struct } from '../../machines/object.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { call, defineScenario, type Expectation, type Variant, variant } from '../../src/index.ts';

const config = struct('config', { mask: field<number>(0) });
interface Config extends HandleTo<typeof config> {}
const host = struct('host', { config: pointer<Config>(), generation: field<number>(0) });
interface Host extends HandleTo<typeof host> {}

const publishes = (assign: typeof store) =>
  function* host_set_config(host: Host, config: Config): Operation {
    yield* store(config.mask, 255);
    yield* store(host.generation, 1);
    yield* assign<Config | typeof NULL>(host.config, config);
  };

const follows = (dereference: typeof load, looksBeside = false) =>
  function* host_mask({ config, generation }: Host): Operation<number> {
    const found = yield* dereference(config);
    if (found === NULL) return 0;
    if (looksBeside) yield* load(generation);
    return yield* load((found as Config).mask);
  };

const race = (object: string): Expectation => ({ kind: 'data-race', object, between: ['load', 'store'] });

const design = (summary: string, assign: typeof store, mask: (host: Host) => Operation<number>, ...racy: string[]): Variant =>
  variant({
    summary,
    objects: { host, config },
    threads: ({ host, config }) => ({ setter: [call(publishes(assign), host, config)], user: [call(mask, host)] }),
    races: true,
    expect: racy.map(race),
  });

export default defineScenario({
  name: 'publish',
  summary: 'An object is published by a pointer before others can see that it is set up',
  source: 'Documentation/RCU/rcu_dereference.rst; include/linux/rcupdate.h',
  covers: [],
  tags: ['races'],
  variants: {
    plain: design('The pointer is stored and read plainly.', store, follows(load), 'host.config', 'config.mask'),
    release: design('smp_store_release() and smp_load_acquire().', smp_store_release, follows(smp_load_acquire, true)),
    rcu: design('rcu_assign_pointer() and rcu_dereference().', rcu_assign_pointer, follows(rcu_dereference)),
    'rcu-and-beside': design(
      'The same, and the user also reads what the pointer does not lead to.',
      rcu_assign_pointer,
      follows(rcu_dereference, true),
      'host.generation',
    ),
  },
});
