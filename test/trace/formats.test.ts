/** One schedule for each format that there has been, as it was written then: it plays for ever, or fails loudly. */
import test from 'ava';
import { endingOf, playSchedule } from '../../src/check/played.ts';
import { call, FORMAT, ModelError, parseSchedule, variant } from '../../src/index.ts';
import { cells, increment, read, scenarioOf } from '../helpers/tiny.ts';

/** What this version reads, and what it refuses. */
const WRITTEN: { readonly [format: string]: string | null } = {
  'interlock/1': `interlock/1 tiny/it end-state-cf4de2d0
without: c
a 1 load(cells.x)
b 2 store(cells.x)
a 1 store(cells.x)
`,
};

const scenario = scenarioOf({
  it: variant({
    objects: { cells },
    threads: (o) => ({ a: [call(increment, o.cells)], b: [call(increment, o.cells)], c: [call(read, o.cells.y)] }),
    atEnd: { 'both count': ({ cells: { x } }) => x.value === 2 },
    expect: [],
  }),
});

for (const [format, text] of Object.entries(WRITTEN))
  test(`a schedule of ${format} is played as it was, or refused`, async (t) => {
    if (text === null) {
      t.throws(() => parseSchedule(`${format} tiny/it a 1 load(cells.x)`), {
        instanceOf: ModelError,
        message: /this version reads/,
      });
      return;
    }
    const played = await playSchedule(parseSchedule(text), scenario, false);
    t.is(endingOf(played), 'raised', played.raised.map(({ finding }) => finding.id).join());
  });

test('the format that is written now is among them', (t) => {
  t.true(typeof WRITTEN[FORMAT] === 'string');
});
