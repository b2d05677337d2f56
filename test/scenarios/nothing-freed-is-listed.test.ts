/**
 * A law of all lists: nothing is freed while it is on one. A list remembers what was freed on it, and complains when somebody
 * comes by; in a clean design of the seeds there is never anything to remember, whether or not somebody comes by.
 */
import { readdirSync } from 'node:fs';
import test from 'ava';
import { kfree, type Operation } from '../../actors/step.ts';
import { list_add, list_del } from '../../actors/sync/list.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { list_head, list_node } from '../../machines/sync/list.ts';
import { call, checkVariant, defineScenario, isScenario, type Scenario, type Variant, variant } from '../../src/index.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const NOT_OF_THE_SEEDS = ['laws', 'locking', 'races', 'references'];
const folders = readdirSync(folder).filter((name) => !NOT_OF_THE_SEEDS.includes(name) && !name.includes('.'));

const id = list_head().machine.id;
type Lifetime = 'pool' | 'heap' | 'static';
const headsOf = (design: Variant): readonly (readonly [object: string, part: string, lifetime: Lifetime])[] =>
  Object.entries(design.objects).flatMap(([object, of]) =>
    Object.entries(('pool' in of ? of.pool : of).parts).flatMap(([part, { machine }]) =>
      machine.id === id ? [[object, part, 'pool' in of ? 'pool' : of.lifetime] as const] : [],
    ),
  );

interface Head {
  readonly freed: readonly string[];
}
type Object = { readonly freed: boolean } & { readonly [part: string]: Head | boolean };
type Seen = { readonly [object: string]: Object } & { readonly all: (pool: string) => readonly Object[] };

const LAW = 'nothing that was freed is on a list';
const withLaw = (design: Variant): Variant => {
  const heads = headsOf(design);
  const holds = (view: Seen): boolean =>
    heads.every(([object, part, lifetime]) =>
      (lifetime === 'pool' ? view.all(object) : [view[object] as Object]).every(
        // Of a head that is gone itself, nobody goes on from its entries.
        (one) => (lifetime !== 'static' && one.freed) || (one[part] as Head).freed.length === 0,
      ),
    );
  return { ...design, always: { ...design.always, [LAW]: holds } };
};

async function broken(scenario: Scenario, name: string): Promise<boolean> {
  const design = scenario.variants[name] as Variant;
  const { findings, exhaustive } = await checkVariant({ ...scenario, variants: { [name]: withLaw(design) } }, name, {
    maxStates: 2_000_000,
  });
  return !exhaustive || findings.some(({ message }) => message.includes(LAW));
}

for (const of of folders)
  test(`nothing is freed on a list in the clean designs of ${of}`, async (t) => {
    const files = readdirSync(new URL(`${of}/`, folder)).filter((file) => file.endsWith('.js'));
    let asked = 0;
    for (const file of files) {
      const { default: scenario } = (await import(new URL(`${of}/${file}`, folder).href)) as { default?: unknown };
      if (!isScenario(scenario)) continue;
      for (const [name, design] of Object.entries(scenario.variants)) {
        if (design.expect.length > 0 || headsOf(design).length === 0) continue;
        asked += 1;
        t.false(await broken(scenario, name), `${scenario.name}/${name}`);
      }
    }
    t.true(asked > 0 || of === 'migration', `${of} has no list`);
  });

const driver = globals('driver', { devices: list_head() });
const device = struct('device', { entry: list_node() });
function* forget({ devices }: HandleTo<typeof driver>, it: HandleTo<typeof device>, takesOff: boolean): Operation {
  yield* list_add(it.entry, devices);
  if (takesOff) yield* list_del(it.entry, devices);
  yield* kfree(it);
}
const forgets = (takesOff: boolean): Scenario =>
  defineScenario({
    name: 'forgets',
    summary: 'An entry is freed',
    source: 'a test',
    covers: [],
    tags: [],
    variants: {
      it: variant({
        objects: { driver, device },
        threads: ({ driver: of, device: it }) => ({ thread: [call(forget, of, it, takesOff)] }),
        expect: [],
      }),
    },
  });

test('it does not hold where an entry is freed on its list', async (t) => {
  t.true(await broken(forgets(false), 'it'));
  t.false(await broken(forgets(true), 'it'));
});
