import { readFileSync } from 'node:fs';
import test from 'ava';
import type { z } from 'zod';
import { reviewSchema } from '../../src/reporters/review/schema.ts';
import { checkVariant } from '../../src/index.ts';
import { coverageSchema } from '../../src/reporters/coverage-schema.ts';
import { diffSchema } from '../../src/reporters/diff-schema.ts';
import { checkJson, listJson } from '../../src/reporters/json.ts';
import { checkSchema, kind, listSchema, replaySchema, replaysSchema } from '../../src/reporters/schemas.ts';
import { samples } from './samples.ts';

/** From dist/test/reporters/. */
const page = readFileSync(new URL('../../../docs/json.md', import.meta.url), 'utf8');

const documents = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => JSON.parse(text) as unknown);

const schemas: readonly z.ZodType[] = [
  listSchema,
  checkSchema,
  replaySchema,
  replaysSchema,
  reviewSchema,
  diffSchema,
  coverageSchema,
];

test('each document that the page shows is one of its schema', (t) => {
  t.is(documents.length, schemas.length);
  for (const [i, schema] of schemas.entries()) t.notThrows(() => schema.parse(documents[i]));
});

const fieldsOf = (schema: z.ZodType): readonly string[] => {
  const { shape, element, innerType } = schema.def as { shape?: object; element?: z.ZodType; innerType?: z.ZodType };
  const inner = element ?? innerType;
  if (inner !== undefined) return fieldsOf(inner);
  return Object.entries(shape ?? {}).flatMap(([name, field]) => [name, ...fieldsOf(field as z.ZodType)]);
};

test('each field is explained on the page', (t) => {
  for (const schema of schemas)
    for (const field of new Set(fieldsOf(schema))) t.true(new RegExp(`\`[^\`\n]*\\b${field}\\b[^\`\n]*\``).test(page), field);
});

test('each kind of finding is named on the page', (t) => {
  for (const name of kind.options) t.true(page.includes(`\`${name}\``), name);
});

test('the list of a scenario is one of its schema, with what each variant expects', (t) => {
  const list = listSchema.parse(listJson([samples]));
  const expected = list.scenarios[0]?.variants.find(({ name }) => name === 'refcount')?.expect;
  t.deepEqual(expected, [{ kind: 'refcount', object: 'toy.refcount', between: ['refcount_read', 'refcount_set'] }]);
});

test('the check of every sample is one of its schema', async (t) => {
  for (const variant of Object.keys(samples.variants)) {
    const result = await checkVariant(samples, variant, { maxStates: 100_000 });
    const [read] = checkSchema.parse(checkJson([result], false)).results;
    t.is(read?.outcome, result.outcome);
    t.is(read?.findings.length, result.findings.length);
    t.is(read?.traces, null);
  }
});

test('the windows of every sample are of the schema', async (t) => {
  for (const variant of Object.keys(samples.variants)) {
    const result = await checkVariant(samples, variant, { maxStates: 100_000, windows: true, how: { runs: 50 } });
    const [read] = checkSchema.parse(JSON.parse(JSON.stringify(checkJson([result], false)))).results;
    for (const { schedule, window } of read?.findings ?? []) t.is(window === null, schedule === null);
  }
});

test('what is never reached has neither schedule nor diagram', async (t) => {
  const result = await checkVariant(samples, 'never-reached', { maxStates: 100 });
  const [finding] = checkJson([result], false).results[0]?.findings ?? [];
  t.is(finding?.schedule, null);
  t.is(finding?.diagram, null);
});

test('a document that has a field too many, or an unknown kind, is none of its schema', async (t) => {
  const result = await checkVariant(samples, 'deadlock', { maxStates: 100 });
  const document = checkJson([result], false);
  t.throws(() => checkSchema.parse({ ...document, more: 1 }));
  t.throws(() => checkSchema.parse({ ...document, results: [{ ...document.results[0], searched: ['typo'] }] }));
});
