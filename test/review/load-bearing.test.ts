import test from 'ava';
import { render } from '../../src/document/render.ts';
import { laboratory } from '../../src/edits/laboratory.ts';
import { loadBearing } from '../../src/edits/load-bearing.ts';
import { loadBearingBlocks } from '../../src/reporters/review/load-bearing.ts';
import { reviewJson } from '../../src/reporters/review/json.ts';
import { reviewSchema } from '../../src/reporters/review/schema.ts';
import { isGolden } from '../reporters/golden.ts';
import { portReset } from './port-reset.ts';

test('what is load-bearing is told with its diagram, what is not in a line, as it is pinned', async (t) => {
  const tried = await loadBearing(portReset, laboratory(), { variants: ['careful', 'seeing'] });
  isGolden(t, 'review-load-bearing.txt', render({ title: 'What is load-bearing', blocks: loadBearingBlocks(tried) }, 'text'));
  const json = reviewJson(
    [{ scenario: portReset, word: 'port-reset', results: new Map(), plugged: { loadBearing: tried } }],
    () => null,
  );
  const [review] = reviewSchema.parse(JSON.parse(JSON.stringify(json))).reviews;
  t.is(review?.loadBearing?.elements.length, tried.results.length);
});
