/** How the comparison with serial orders reads, as text and as JSON. */
import test from 'ava';
import {
  complete,
  completion,
  field,
  globals,
  type HandleTo,
  load,
  mutex,
  mutex_lock,
  mutex_unlock,
  type Operation,
  store,
  wait_for_completion,
} from '../../actors/primitives.ts';
import { call, type CheckResult, checkVariant, defineScenario, local, type Variant, variant } from '../../src/index.ts';
import { checkJson } from '../../src/reporters/json.ts';
import { plain } from '../../src/reporters/layout.ts';
import { checkSchema } from '../../src/reporters/schemas.ts';
import { checkText } from '../../src/reporters/text.ts';
import { isGolden } from '../reporters/golden.ts';

const toy = globals('toy', {
  lock: mutex(),
  users: field<number>(0),
  registered: field<boolean>(false),
  a: completion(),
  b: completion(),
});
interface Toy extends HandleTo<typeof toy> {}

function* toy_register(toy: Toy): Operation<number> {
  yield* mutex_lock(toy.lock);
  yield* store(toy.registered, true);
  yield* mutex_unlock(toy.lock);
  return 0;
}

/** It lets go of the lock between its look and its count. */
function* toy_open(toy: Toy): Operation<number> {
  yield* mutex_lock(toy.lock);
  const registered = yield* load(toy.registered);
  const users = yield* load(toy.users);
  yield* mutex_unlock(toy.lock);
  if (!registered) return -19;
  yield* mutex_lock(toy.lock);
  yield* store(toy.users, users + 1);
  yield* mutex_unlock(toy.lock);
  return 0;
}

function* toy_meet(mine: Toy['a'], other: Toy['a']): Operation {
  yield* complete(mine);
  yield* wait_for_completion(other);
}

const [first, second] = [local<number>('first'), local<number>('second')];
const opens: Variant = variant({
  objects: { toy },
  threads: ({ toy }) => ({
    registrar: [call(toy_register, toy)],
    user_a: [call(toy_open, toy).into(first)],
    user_b: [call(toy_open, toy).into(second)],
  }),
  serialisable: true,
  expect: [{ kind: 'non-serialisable', object: 'toy.users', between: ['store', 'store'] }],
});
const meets: Variant = variant({
  objects: { toy },
  threads: ({ toy }) => ({ one: [call(toy_meet, toy.a, toy.b)], other: [call(toy_meet, toy.b, toy.a)] }),
  serialisable: true,
  expect: [],
});
const scenario = defineScenario({
  name: 'serial',
  summary: 'What no order of whole operations gives',
  source: 'this test',
  covers: [],
  tags: [],
  variants: { opens, meets },
});

const checked = async (name: string): Promise<CheckResult> => ({
  ...(await checkVariant(scenario, name, { maxStates: 100_000 })),
  seconds: 0.025,
});
const reported = (result: CheckResult, detail: 'full' | 'brief' | 'line' = 'full'): string =>
  [
    ...checkText(result, {
      paint: plain,
      detail,
      allSteps: false,
      placeOf: null,
      replay: ({ id }) => `npx interlock replay schedules/${id}.schedule`,
    }),
    '',
  ].join('\n');

test('the report of a finding names the nearest serial order, and what differs from it', async (t) => {
  const result = await checked('opens');
  t.is(result.outcome, 'as-expected');
  isGolden(t, 'non-serialisable.txt', reported(result));
});

test('where it is not applicable the report says so, also in short', async (t) => {
  const result = await checked('meets');
  const said = 'Serialisable: not applicable, no order of whole operations comes to its';
  isGolden(t, 'not-applicable.txt', reported(result));
  for (const detail of ['full', 'brief', 'line'] as const) t.true(reported(result, detail).includes(said), detail);
});

test('no line of the two is longer than 75 columns', async (t) => {
  for (const name of ['opens', 'meets'])
    for (const line of reported(await checked(name)).split('\n'))
      if (!/^Replay: |^ {2}interlock\/1 |^ {2}\w+ \d+ \w+\(/.test(line)) t.true(line.length <= 75, line);
});

test('the document has the verdict of the comparison, and the nearest order of the finding', async (t) => {
  const [opened] = checkSchema.parse(checkJson([await checked('opens')], false)).results;
  t.deepEqual(opened?.serial, { notApplicable: null, outcomes: 5, serialOutcomes: 4, someNeverEnd: false, cut: null });
  t.deepEqual(opened?.findings[0]?.nearestOrder, {
    order: ['registrar.toy_register()', 'user_a.toy_open()', 'user_b.toy_open()'],
    differences: [{ object: 'toy.users', here: '1', there: '2' }],
    outcomes: 1,
  });
  const [met] = checkSchema.parse(checkJson([await checked('meets')], false)).results;
  t.is(
    met?.serial?.notApplicable,
    'no order of whole operations comes to its end, for some wait for what others, or none, would do',
  );
});
