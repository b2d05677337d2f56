import test from 'ava';
import { guardedCounter } from '../../bench/guarded-counter.ts';
import { FORMS, guardedCounterInPromela } from '../../bench/spin.ts';
import { explore } from '../../src/explore/plain-search.ts';
import { observe } from '../../src/export/observed.ts';
import { promela } from '../../src/export/promela.ts';
import { Program } from '../../src/tables/program.ts';
import { askSpin, missing } from '../export/spin.ts';
import { checkTiny } from '../helpers/tiny.ts';

test('one thread goes one way, through twelve steps', async (t) => {
  const { states, steps, outcome, exhaustive } = await checkTiny(guardedCounter(1));
  t.deepEqual({ states, steps, outcome, exhaustive }, { states: 13, steps: 12, outcome: 'as-expected', exhaustive: true });
});

const twin = 'three threads have 2,765 states, as Spin counts those of the exported model';
(missing === null ? test : test.skip)(missing === null ? twin : `${twin} (without ${missing} nobody can be asked)`, async (t) => {
  const design = guardedCounter(3);
  const search = explore(new Program(design), design, { maxStates: 10_000 });
  let turn = search.next();
  while (!turn.done) turn = search.next(null);
  const { text } = promela(observe(turn.value, design), { name: 'guarded-counter/n3', file: 'model.pml' });
  t.is(turn.value.states, 2765);
  t.deepEqual(await askSpin(text), { states: 2765, deadlocks: 0, ends: 1, violated: [] });
});

const name = 'the models for Spin are of the same program: nothing goes wrong, and one thread takes as many steps';
(missing === null ? test : test.skip)(missing === null ? name : `${name} (without ${missing} nobody can be asked)`, async (t) => {
  for (const form of FORMS) {
    const { states, deadlocks, violated } = await askSpin(guardedCounterInPromela(form, 1), { ends: false });
    // Where it ends, a process of Spin dies, which is a state; in a loop there are the tests and the counting.
    t.deepEqual({ states, deadlocks, violated }, { states: form === 'loop' ? 19 : 14, deadlocks: 0, violated: [] }, form);
  }
});
