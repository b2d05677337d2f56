/** Scenario files of users: a toy char device with a refcount, in TypeScript, by the public doors alone. */

/** @param expect what it expects, as source */
export const toy = (expect = "{ kind: 'use-after-free', object: 'toy' }", name = 'toy'): string => `
import { call, defineScenario, local, variant } from 'interlock';
import { type HandleTo, kfree, type Operation, refcount, refcount_dec_and_test, refcount_inc_not_zero, struct } from 'interlock/primitives';

const toy = struct('toy', { users: refcount(1) });
interface Toy extends HandleTo<typeof toy> {}

function* toy_open(toy: Toy): Operation<number> {
  return (yield* refcount_inc_not_zero(toy.users)) ? 0 : -19;
}
function* toy_put(toy: Toy): Operation {
  if (yield* refcount_dec_and_test(toy.users)) yield* kfree(toy);
}
const opened = local<number>('opened');

export default defineScenario({
  name: '${name}', summary: 'A toy is removed while it is opened', source: 'this test', covers: [], tags: ['toys'],
  variants: {
    bare: variant({
      objects: { toy },
      threads: ({ toy }) => ({
        user: [call(toy_open, toy).into(opened), call(toy_put, toy).ifOk(opened)],
        remover: [call(toy_put, toy)],
      }),
      expect: [${expect}],
    }),
  },
});
`;

/** One that takes long: threads that each write a field, over and over. */
export const big = `
import { call, defineScenario, variant } from 'interlock';
import { type HandleTo, type Operation, field, load, store, struct } from 'interlock/primitives';

const cell = struct('cell', { x: field<number>(0) });
interface Cell extends HandleTo<typeof cell> {}
function* add(cell: Cell): Operation {
  for (let i = 0; i < 3; i++) yield* store(cell.x, (yield* load(cell.x)) + 1);
}
const threads = (n: number) =>
  variant({
    objects: { cell },
    threads: ({ cell }) => Object.fromEntries(Array.from({ length: n }, (_, i) => ['t' + i, [call(add, cell)]])),
    expect: [],
  });
export default defineScenario({
  name: 'big', summary: '', source: '', covers: [], tags: [], variants: { first: threads(8), second: threads(9) },
});
`;

/** One call that takes the steps that the source says. */
export const oneCall = (name: string, variants: Readonly<Record<string, string>>, before = ''): string => `
import { call, defineScenario, variant } from 'interlock';
import { type HandleTo, type Operation, access, done, kzalloc, part, pool, refcount, refcount_inc, setupObject, struct } from 'interlock/primitives';
import { assign } from 'xstate';

const toy = struct('toy', { users: refcount(1) });
interface Toy extends HandleTo<typeof toy> {}
function* get(toy: Toy): Operation { yield* refcount_inc(toy.users); }
const odd = (config: object) => part<{ poke: object }, object>(
  setupObject<object, { poke: object }>().createMachine({ id: 'odd', context: {}, ...config } as never), {});
function* poke(x: { it: never }): Operation { yield* access<{ poke: object }, 'poke'>('update', 'poke')(x.it); }
const machine = (config: object) => {
  const thing = struct('thing', { it: odd(config) });
  return variant({ objects: { thing }, threads: ({ thing }) => ({ task: [call(poke as never, thing as never)] }), expect: [] });
};
${before}
export default defineScenario({
  name: '${name}', summary: '', source: '', covers: [], tags: [],
  variants: { ${Object.entries(variants)
    .map(([variant, source]) => `'${variant}': ${source}`)
    .join(',\n')} },
});
`;
