/**
 * Schedules that were written once and are kept: one for each kind of finding in the shipped scenarios. Whoever changes a
 * model on purpose writes them anew: `interlock check NAME --schedules test/corpus`.
 */
import { readdirSync } from 'node:fs';
import test from 'ava';
import { replaysSchema } from '../../src/reporters/schemas.ts';
import { interlock, root } from '../cli/command.ts';

test('every schedule that is kept leads to its finding', async (t) => {
  const { code, out, err } = await interlock(root, ['replay', 'test/corpus', '--json']);
  const { results } = replaysSchema.parse(JSON.parse(out));
  t.deepEqual(
    results.filter(({ outcome }) => outcome !== 'raised').map(({ file, message, diverged }) => [file, message, diverged]),
    [],
  );
  t.is(results.length, readdirSync(`${root}/test/corpus`).length);
  t.is(code, 0, err);
});
