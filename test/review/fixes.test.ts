import test from 'ava';
import { checkVariant, type Variant } from '../../src/index.ts';
import { editVariant } from '../../src/model/edit-variant.ts';
import { render } from '../../src/document/render.ts';
import { findFixes } from '../../src/edits/fixes/find-fixes.ts';
import { Verifier } from '../../src/edits/fixes/verify.ts';
import { fixBlocks } from '../../src/reporters/review/fixes.ts';
import { reviewJson } from '../../src/reporters/review/json.ts';
import { reviewSchema } from '../../src/reporters/review/schema.ts';
import { isGolden } from '../reporters/golden.ts';
import igate from '../../scenarios/locking/igate-memory-bus.ts';

test('what would mend a finding is told as a patch, with the designs in which it was explored', async (t) => {
  const reason = () => null;
  const verifier = new Verifier(igate, [], { maxStates: 20_000, reason });
  const { findings } = await checkVariant(igate, 'v6.18-hotplug', { maxStates: 20_000 });
  const searches = await Promise.all(findings.map((finding) => findFixes(verifier, 'v6.18-hotplug', finding, { reason })));
  t.true(searches.some(({ fixes }) => fixes.length > 0));
  isGolden(t, 'review-fixes.txt', render({ title: 'What would mend it', blocks: fixBlocks(searches, igate) }, 'text'));
  const json = reviewJson([{ scenario: igate, word: igate.name, results: new Map(), plugged: { fixes: searches } }], () => null);
  const [review] = reviewSchema.parse(JSON.parse(JSON.stringify(json))).reviews;
  t.is(review?.fixes?.length, searches.length);
});

test('every candidate that is called a fix rids the design of the finding, by a check that knows nothing of fixes', async (t) => {
  const verifier = new Verifier(igate, [], { maxStates: 20_000, reason: () => null });
  const { findings } = await checkVariant(igate, 'v6.18-hotplug', { maxStates: 20_000 });
  const deadlock = findings.find(({ kind }) => kind === 'deadlock');
  if (deadlock === undefined) throw new RangeError('nothing to mend');
  let fixes = 0;
  for (const candidate of await verifier.candidates('v6.18-hotplug', deadlock)) {
    const edited = editVariant(igate.variants['v6.18-hotplug'] as Variant, candidate.edits);
    const { findings: left } = await checkVariant({ ...igate, variants: { edited } }, 'edited', { maxStates: 20_000 });
    const fix = await verifier.verify('v6.18-hotplug', deadlock, candidate);
    if (fix === null) continue;
    fixes++;
    t.false(
      left.some(({ kind }) => kind === 'deadlock'),
      candidate.says,
    );
  }
  t.true(fixes > 0);
});
