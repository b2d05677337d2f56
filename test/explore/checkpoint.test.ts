/** A search that is interrupted, written down and gone on with is the search that was never interrupted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Resumption } from '../../src/explore/checkpoint.ts';
import { accountOf, designOf, designs, origin, run } from './checkpoint-searches.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-checkpoint-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const resumed = (file: string | null): Resumption | null => (file === null ? null : new Resumption(file));
let files = 0;
const newFile = () => join(folder, `${files++}.checkpoint`);

for (const kind of ['plain', 'reduced'] as const)
  testProp(
    `a ${kind} search that is interrupted three times meets the same states in the same order, and finds the same`,
    [designs, fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999))],
    (t, generated, shares) => {
      const design = designOf(generated);
      const whole = run(kind, design);
      fc.pre(whole.states > 1);
      let file: string | null = null;
      for (const share of shares.toSorted((a, b) => a - b)) {
        const part = run(kind, design, 1 + Math.trunc((share * (whole.states - 1)) / 1000), resumed(file));
        t.is(part.checkpoint === null, part.cut === null);
        if (part.checkpoint === null) break;
        part.checkpoint.save((file = newFile()), origin);
      }
      t.deepEqual(accountOf(kind, run(kind, design, 50_000, resumed(file))), accountOf(kind, whole));
    },
    { numRuns: 100 },
  );
