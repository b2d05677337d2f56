import test from 'ava';
import { checkVariant, type CheckResult, type Scenario } from '../../src/index.ts';
import { placesFrom } from '../../src/reporters/places.ts';
import { RULES } from '../../src/reporters/sarif-rules.ts';
import { sarif } from '../../src/reporters/sarif.ts';
import { type SarifJson, sarifSchema } from '../../src/reporters/sarif-schema.ts';
import { kind } from '../../src/reporters/schemas.ts';
import { samples } from './samples.ts';
import { splats } from './splats.ts';

const root = new URL('../../../', import.meta.url).pathname;
const options = { version: '0.1.0', placeOf: placesFrom(root), fileOf: () => 'test/reporters/samples.ts' };

const checked = (variant: string, scenario: Scenario = samples, maxStates = 100_000): Promise<CheckResult> =>
  checkVariant(scenario, variant, { maxStates });

const logOf = async (variant: string, scenario?: Scenario, maxStates?: number): Promise<SarifJson['runs'][number]> => {
  const document = sarif([await checked(variant, scenario, maxStates)], options);
  return sarifSchema.parse(JSON.parse(JSON.stringify(document))).runs[0] as SarifJson['runs'][number];
};

test('the log of every sample has the structure of SARIF 2.1.0', async (t) => {
  for (const scenario of [samples, splats])
    for (const variant of Object.keys(scenario.variants)) {
      const { results, tool } = await logOf(variant, scenario);
      for (const { ruleId, ruleIndex } of results) t.is(tool.driver.rules[ruleIndex]?.id, ruleId, variant);
    }
});

test('each kind of finding has a rule that explains it', (t) => {
  t.deepEqual(Object.keys(RULES).toSorted(), kind.options.toSorted());
});

test('what is not expected is an error, what is expected a note', async (t) => {
  t.is((await logOf('deadlock')).results[0]?.level, 'error');
  t.is((await logOf('refcount')).results[0]?.level, 'note');
});

test('what is expected and does not come is an error at the scenario itself, and only a note before a cut', async (t) => {
  const missing = (await logOf('never-reached')).results.find(({ ruleId }) => ruleId === 'leak');
  t.is(missing?.level, 'error');
  t.true(missing?.message.text.includes('expected and not found: leak at toy'));
  t.deepEqual(missing?.locations, [{ physicalLocation: { artifactLocation: { uri: 'test/reporters/samples.ts' } } }]);
  const cut = await logOf('refcount', samples, 5);
  t.is(cut.results[0]?.level, 'note');
  t.is(cut.invocations[0]?.toolExecutionNotifications[0]?.level, 'warning');
});

test('the locations are the places of the racing steps in the files of those who wrote them, that where it shows first', async (t) => {
  const { results } = await logOf('refcount');
  const [first, ...others] = results[0]?.locations ?? [];
  t.is(first?.physicalLocation?.artifactLocation.uri, 'test/reporters/samples.ts');
  t.is(first?.logicalLocations?.[0]?.name, 'toy_add');
  t.true(others.length > 0);
});

test('a thread flow for each thread has all of its steps, in the order of the whole', async (t) => {
  const result = await checked('refcount');
  const { results } = await logOf('refcount');
  const flows = results[0]?.codeFlows?.[0]?.threadFlows ?? [];
  const order = flows.flatMap(({ locations }) => locations.map(({ executionOrder }) => executionOrder));
  const steps = result.findings[0]?.trace?.steps ?? [];
  t.deepEqual(
    order.toSorted((a, b) => a - b),
    steps.map(({ index }) => index),
  );
  for (const { id, locations } of flows)
    t.deepEqual(
      locations.map(({ executionOrder }) => executionOrder),
      steps.filter(({ thread }) => thread === id).map(({ index }) => index),
    );
});

test('a finding keeps its fingerprint, which is its id', async (t) => {
  const [finding] = (await checked('use-after-free')).findings;
  const { results } = await logOf('use-after-free');
  t.deepEqual(results[0]?.partialFingerprints, { 'interlockFinding/v1': finding?.id });
});

test('a clean log still says how far was looked', async (t) => {
  const { results, invocations } = await logOf('clean');
  t.deepEqual(results, []);
  t.regex(
    invocations[0]?.toolExecutionNotifications[0]?.message.text ?? '',
    /^samples\/clean: Exhaustive: no finding in \d+ states/,
  );
});
