import test from 'ava';
import { compareFindings } from '../../src/diff/findings.ts';
import { checkVariant, type Finding } from '../../src/index.ts';
import { samples } from '../reporters/samples.ts';

const findingIn = async (variant: string): Promise<Finding> => {
  const [finding] = (await checkVariant(samples, variant, { maxStates: 100_000 })).findings;
  if (finding === undefined) throw new RangeError(variant);
  return finding;
};
const isBoth = (a: Finding, b: Finding): boolean => compareFindings([a], [b]).both.length === 1;

test('a finding that is raised in another function is another', async (t) => {
  const finding = await findingIn('use-after-free');
  const [site] = finding.fault.sites;
  t.true(isBoth(finding, { ...finding, id: 'of another variant', message: 'in other words' }));
  if (site === undefined) return t.fail();
  const moved = { ...finding, fault: { ...finding.fault, sites: [{ ...site, function: 'toy_poll' }] } };
  t.false(isBoth(finding, moved));
  t.false(isBoth(finding, { ...finding, object: 'driver' }));
  return t.false(isBoth(finding, { ...finding, kind: 'double-free' }));
});

test('where nobody stands at what was found, as in a circle of locks that is refuted, the racing pair tells', async (t) => {
  const finding = await findingIn('use-after-free');
  const nobody = { ...finding, fault: { ...finding.fault, sites: [] } };
  t.true(isBoth(finding, nobody));
  t.true(isBoth(nobody, finding));
  t.false(isBoth(nobody, { ...finding, pair: { ...finding.pair, between: ['kfree', 'load'] } }));
});

test('two statements about one object are two', async (t) => {
  const finding = await findingIn('invariant');
  t.true(isBoth(finding, { ...finding, pair: { between: null, marked: [] } }));
  t.false(isBoth(finding, { ...finding, fault: { ...finding.fault, text: '"another" does not hold' } }));
});

test('each finding has one partner', async (t) => {
  const finding = await findingIn('use-after-free');
  const { both, only } = compareFindings([finding, { ...finding }], [{ ...finding }]);
  t.is(both.length, 1);
  t.deepEqual(
    only.map(({ length }) => length),
    [1, 0],
  );
});
