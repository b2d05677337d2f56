/** What a verdict says of findings that its search cannot see. */
import test from 'ava';
import { again, loop, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { call, checkVariant, type Expectation, task, variant } from '../../src/index.ts';
import type { How } from '../../src/check/strategy.ts';
import { type Cells, cells, read, scenarioOf, write } from '../helpers/tiny.ts';

const checkBy = (how: Partial<How>, design: ReturnType<typeof variant>) =>
  checkVariant(scenarioOf({ it: design }), 'it', { maxStates: 100_000, how });

function* poll({ x }: Cells): Operation {
  yield* loop(null, function* () {
    return (yield* load(x)) === 1 ? again(null) : undefined;
  });
}
function* blink({ x }: Cells): Operation {
  yield* store(x, 0);
  yield* store(x, 1);
}
const starves = (expect: readonly Expectation[]) =>
  variant({
    objects: { cells },
    start: { 'cells.x': { value: 1 } },
    threads: (o) => ({ poller: [call(poll, o.cells)], blinker: task([call(blink, o.cells)], { forever: true }) }),
    expect,
  });

test('a starvation that is expected is not missing where nobody looked for it, and the verdict is no longer exhaustive', async (t) => {
  const expected = starves([{ kind: 'starvation', object: 'cells.x' }]);
  t.is((await checkBy({ strategy: 'plain' }, expected)).outcome, 'as-expected');
  const reduced = await checkBy({ strategy: 'reduced' }, expected);
  t.deepEqual([reduced.outcome, reduced.exhaustive, reduced.cut], ['cut', false, 'starvation was not looked for']);
  t.false(reduced.searched.includes('starvation'));
});

test('where it is not expected the reduced search is exhaustive for what it looks for', async (t) => {
  const reduced = await checkBy({ strategy: 'reduced' }, starves([]));
  t.deepEqual([reduced.outcome, reduced.exhaustive], ['as-expected', true]);
});

test('a data race that is expected is looked for where states are stored or traces taken, and not by samples', async (t) => {
  const races = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(read, o.cells.x)], b: [call(write, o.cells.x, 1)] }),
    expect: [{ kind: 'data-race', object: 'cells.x', between: ['load', 'store'] }],
  });
  t.is((await checkBy({ strategy: 'pct', runs: 10 }, races)).searched.includes('data-race'), false);
  t.is((await checkBy({ preemptions: 1 }, races)).cut, 'data-race was not looked for');
  const all = await checkBy({}, races);
  t.deepEqual([all.outcome, all.findings.length], ['as-expected', 1]);
  const along = await checkBy({ strategy: 'dpor' }, races);
  t.deepEqual([along.outcome, along.traces, along.findings.length], ['as-expected', 2, 1]);
});
