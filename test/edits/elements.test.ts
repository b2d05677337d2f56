/** What is found in kernel code that can be taken away. */
import test from 'ava';
import { again, loop, type Operation } from '../../actors/step.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { elementsIn } from '../../src/edits/elements.ts';
import { laboratory } from '../../src/edits/laboratory.ts';
import { loadBearing } from '../../src/edits/load-bearing.ts';
import { call, variant } from '../../src/index.ts';
import { editVariant } from '../../src/model/edit-variant.ts';
import { attempt } from '../helpers/outcomes.ts';
import { plain } from '../helpers/searches.ts';
import { cells, type Cells, scenarioOf } from '../helpers/tiny.ts';

type Code = (cells: Cells) => Operation<unknown>;

const design = (...codes: Code[]) =>
  variant({
    objects: { cells },
    threads: ({ cells }) => Object.fromEntries(codes.map((code, i) => [`t${i}`, [call(code, cells)]])),
    expect: [],
  });

const namesIn = (...codes: Code[]) =>
  elementsIn(plain(design(...codes)).program).map(({ kind, how, says }) => `${kind} ${how}: ${says}`);

function* checks({ x, y }: Cells): Operation<number> {
  if ((yield* READ_ONCE(x)) === 0) return -1;
  yield* WRITE_ONCE(y, 1);
  return 0;
}

function* sets({ x }: Cells): Operation {
  yield* WRITE_ONCE(x, 1);
}

test('a check is one where the code goes on otherwise, and each way may be taken for granted', (t) => {
  t.deepEqual(namesIn(checks, sets), [
    'check taken for granted: with READ_ONCE(cells->x) in checks() always 0',
    'check taken for granted: with READ_ONCE(cells->x) in checks() always 1',
  ]);
  t.deepEqual(namesIn(checks), []);
});

test('a trylock can be left out, and made neither later nor earlier', (t) => {
  function* tries({ m, x }: Cells): Operation {
    if (!(yield* mutex_trylock(m))) return;
    yield* load(x);
    yield* mutex_unlock(m);
  }
  t.deepEqual(namesIn(tries), [
    'section removed: without mutex_trylock(&cells->m) in tries()',
    'section narrowed: mutex_unlock(&cells->m) already before cells->x in tries()',
  ]);
});

test('neighbours are swapped only where other threads can see both', (t) => {
  function* both({ x, y }: Cells): Operation {
    yield* WRITE_ONCE(x, 1);
    yield* WRITE_ONCE(y, 1);
  }
  function* looks({ x, y }: Cells): Operation {
    yield* READ_ONCE(x);
    yield* READ_ONCE(y);
  }
  t.deepEqual(namesIn(both, looks), [
    'order swapped: with WRITE_ONCE(cells->y, 1) before WRITE_ONCE(cells->x, 1) in both()',
    'order swapped: with READ_ONCE(cells->y) before READ_ONCE(cells->x) in looks()',
  ]);
  t.deepEqual(namesIn(both), []);
  t.deepEqual(namesIn(looks, looks), []);
});

test('each element of a program with loops and locks makes another program, or none', (t) => {
  function* busy({ m, n, x, y }: Cells): Operation {
    yield* loop<number, void>(0, function* (turn) {
      yield* mutex_lock(m);
      yield* store(x, turn);
      yield* mutex_unlock(m);
      if (turn < 1) return again(turn + 1);
      yield* mutex_lock(n);
      yield* store(y, 1);
      yield* mutex_unlock(n);
      return undefined;
    });
  }
  const variantOf = design(busy, checks);
  const elements = elementsIn(plain(variantOf).program);
  t.true(elements.length > 5);
  t.is(new Set(elements.map(({ id }) => id)).size, elements.length);
  for (const { edits, says } of elements) t.false(attempt(() => plain(editVariant(variantOf, edits))) instanceof Error, says);
});

test('an edit that changes no order of steps in a variant says nothing about it', async (t) => {
  function* bare({ x, y }: Cells): Operation {
    yield* WRITE_ONCE(x, 1);
    yield* WRITE_ONCE(y, 1);
  }
  const scenario = scenarioOf({ one: design(bare, checks) });
  const lab = laboratory();
  const known = await lab.survey(scenario, 'one');
  const trial = await lab.try(scenario, known, { edits: [{ kind: 'drop', at: ['nothing@nowhere.js:1:1'] }] });
  t.is(trial.outcome, 'same');
  const { results } = await loadBearing(scenario, lab, { kinds: ['order'] });
  t.deepEqual(
    results.map(({ verdict, trials }) => [verdict, trials[0]?.outcome]),
    [['unneeded', 'holds']],
  );
});
