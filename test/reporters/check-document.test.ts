import test from 'ava';
import { DOCUMENT_FORMATS, render } from '../../src/document/render.ts';
import { checkVariant, type CheckResult } from '../../src/index.ts';
import { checkDocument, type CheckDocumentOptions } from '../../src/reporters/check-document.ts';
import { isGolden } from './golden.ts';
import { samples } from './samples.ts';

const checked = async (variant: string): Promise<CheckResult> => ({
  ...(await checkVariant(samples, variant, { maxStates: 100_000 })),
  seconds: 0.025,
});

const options: CheckDocumentOptions = {
  detail: 'full',
  allSteps: false,
  placeOf: null,
  replay: ({ id }) => `npx interlock replay schedules/${id}.schedule`,
};

for (const [format, ending] of [
  ['markdown', 'md.txt'],
  ['rst', 'rst'],
] as const) {
  test(`the check of one variant reads as it is pinned, as ${format}`, async (t) => {
    isGolden(
      t,
      `refcount.${ending}`,
      render(
        checkDocument([await checked('refcount')], () => options),
        format,
      ),
    );
  });

  test(`the check of several variants, some of them in brief, reads as it is pinned, as ${format}`, async (t) => {
    const results = await Promise.all(['refcount', 'use-after-free', 'never-reached', 'clean'].map(checked));
    isGolden(
      t,
      `several.${ending}`,
      render(
        checkDocument(results, () => ({ ...options, detail: 'brief' })),
        format,
      ),
    );
  });
}

test('a document of a check has the sentences of the finding, and its diagram as it is, in every format', async (t) => {
  for (const variant of ['deadlock', 'starvation', 'hung-unregister', 'four-threads', 'invariant']) {
    const result = await checked(variant);
    for (const format of DOCUMENT_FORMATS) {
      const text = render(
        checkDocument([result], () => options),
        format,
      ).replaceAll(/&gt;/g, '>');
      for (const { id, trace } of result.findings) {
        t.true(text.includes(id));
        t.true(text.includes(`schedules/${id}.schedule`));
        t.true((trace?.steps.length ?? 0) > 0);
      }
    }
  }
});
