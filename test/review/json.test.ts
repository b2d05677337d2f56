import { readFileSync } from 'node:fs';
import test from 'ava';
import type { z } from 'zod';
import { reviewSchema } from '../../src/reporters/review/schema.ts';

/** From dist/test/review/. */
const page = readFileSync(new URL('../../../docs/json.md', import.meta.url), 'utf8');
const section = /## `interlock review --json`\n([\s\S]*?)(?=\n## `interlock|$)/.exec(page)?.[1] ?? '';

test('the document that the page shows is one of the schema', (t) => {
  const [, text = ''] = /```json\n([\s\S]*?)```/.exec(section) ?? [];
  t.notThrows(() => reviewSchema.parse(JSON.parse(text)));
});

const fieldsOf = (schema: z.ZodType): readonly string[] => {
  const { shape, element, innerType } = schema.def as { shape?: object; element?: z.ZodType; innerType?: z.ZodType };
  const inner = element ?? innerType;
  if (inner !== undefined) return fieldsOf(inner);
  return Object.entries(shape ?? {}).flatMap(([name, field]) => [name, ...fieldsOf(field as z.ZodType)]);
};

test('each field is explained on the page', (t) => {
  for (const field of new Set(fieldsOf(reviewSchema))) t.true(new RegExp(`\`[^\`\n]*\\b${field}\\b[^\`\n]*\``).test(page), field);
});
